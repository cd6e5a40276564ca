// headlight experiment, apart from command.h so that a new experiment rebuilds no other command.
#pragma once

#include "app/command.h"

namespace headlight::app {

void add_experiment(CommandLine& line);

}  // namespace headlight::app
