// Measured abilities as tables: for a terminal, and for a document.
#pragma once

#include <string>

#include "app/terminal.h"
#include "inspect/abilities.h"

namespace headlight::app {

/// A line for each relation and language, then what the removal of sets of heads costs, then the
/// roles that this supports. At most kColumns columns.
std::string ability_text(const Abilities& abilities, const Style& style);

/// The same as Markdown, with intervals.
std::string ability_markdown(const Abilities& abilities);

/// "head 2.1, coreference (en): looks at the referent in 93 %, ..."
std::string role_text(const Role& role);

}  // namespace headlight::app
