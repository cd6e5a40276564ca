// headlight export, apart from command.h so that it rebuilds no other command.
#pragma once

#include "app/command.h"

namespace headlight::app {

void add_export(CommandLine& line);

}  // namespace headlight::app
