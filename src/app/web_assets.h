// The lab page's files, embedded in the program (cmake/Web.cmake), or a page that says they are
// not.
#pragma once

#include <span>
#include <string_view>

namespace headlight::app {

struct WebAsset {
  std::string_view path;  ///< "/index.html"
  std::string_view type;  ///< MIME type
  std::string_view etag;  ///< quoted, from the content
  std::string_view body;
};

std::span<const WebAsset> web_assets();

}  // namespace headlight::app
