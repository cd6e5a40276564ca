// Stands in for the embedded page in builds without it.
#include <array>

#include "app/web_assets.h"

namespace headlight::app {

std::span<const WebAsset> web_assets() {
  static constexpr std::string_view kPage = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Headlight</title>
<h1>Headlight</h1>
<p>The engine is running, but this program was built without the lab page.</p>
<p>To build it, install Node.js and npm, then configure with -DHEADLIGHT_WEB=ON and build again.
The command line (<code>headlight --help</code>) and the HTTP API work without it.</p>
</html>
)";
  static constexpr std::array<WebAsset, 1> kAssets = {
      {{"/index.html", "text/html; charset=utf-8", "\"no-page\"", kPage}}};
  return kAssets;
}

}  // namespace headlight::app
