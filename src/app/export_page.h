// The lab page as one file that needs no server: the page itself, and the API's answers about one
// text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "app/lab.h"

namespace headlight::app {

/// Side B of a comparison: another text, another model, or the same with heads switched off.
struct ExportAgainst {
  std::string trace;
  std::int64_t layer = 0, query = 0;
  Json gates = Json::object();  ///< what the trace was made with, as gates_of() writes it
};

/// What the file opens with.
struct ExportView {
  std::string trace;  ///< id of a trace that the lab keeps
  std::int64_t layer = 0, query = 0;
  std::string search = {};  ///< the page's address from "?" on; empty: export_address()
  std::optional<ExportAgainst> against = {};
};

/// Gates that are not fully open, by "layer.head", as the page posts them.
Json gates_of(const HeadGates& gates);

/// A page of HTML with everything in it: the rows of every layer and token, concat and W_O of the
/// layer, and what is lost when one of its heads is switched off; of a comparison also side B's
/// rows, and the predictions of both sides. A long text, for which that would be too much, gets the
/// layer's or only the query's (kMostExportedNumbers), the query's rows in all layers where those
/// fit. Throws RequestError when a trace is not kept or layer and query are not in it, and
/// Error("export", ...) in a build without the page.
std::string export_page(Lab& lab, const ExportView& view);

/// Numbers of one kind that a file may hold, about 11 bytes each.
inline constexpr std::int64_t kMostExportedNumbers = 1'500'000;

/// `text` as it may stand inside of <script> and <style>: "</script", "</style" and "<!--" get a
/// backslash, which means nothing where JavaScript and CSS may hold them: in strings.
std::string escaped_for_script(std::string_view text);

}  // namespace headlight::app
