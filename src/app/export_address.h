// The page's address of a view that is exported, as web/src/state/url.ts reads it.
#pragma once

#include <string>
#include <string_view>

#include "app/export_page.h"

namespace headlight::app {

/// From "?" on: the model's view, or the comparison where the view has a side B. `a` and `b` are
/// the traces, as the API gives them.
std::string export_address(const ExportView& view, const Json& a, const Json& b);

/// `text` as part of an address: all but letters, digits and -._~ as %XX of their bytes.
std::string url_encoded(std::string_view text);

}  // namespace headlight::app
