#include "app/watch_table.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "app/command.h"

namespace headlight::app {
namespace {

constexpr std::int64_t kMostly = 50;  // percent of the pairs
constexpr std::size_t kCells = 14;    // of the bar

/// Rows of the terminal on standard output; 0 where there is none.
std::size_t terminal_rows() {
  winsize size{};
  return ::isatty(STDOUT_FILENO) && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_row
                                                                                   : 0;
}

std::string row_of(const Json& relation, std::int64_t n_heads, const Style& style) {
  const auto heads = relation.at("heads").get<std::vector<std::int64_t>>();
  const auto best = std::ranges::max_element(heads);
  const auto offset = relation.at("offset").get<std::int64_t>();
  const auto right = relation.at("right").get<std::int64_t>();
  const std::int64_t number = best - heads.begin();
  const std::string head =
      fmt::format("{:>7} {:>5} %", fmt::format("{}.{}", number / n_heads, number % n_heads), *best);
  const bool stands = *best >= kMostly && *best > offset;
  return fmt::format("{} {:<16} {} {:>4} % {} {:>8} %\n",
                     relation.at("language").get<std::string>(),
                     relation.at("relation").get<std::string>(),
                     fit(bar(static_cast<double>(right) / 100, kCells), kCells), right,
                     stands ? style.bold(head) : head, offset);
}

}  // namespace

std::string watch_table(const Json& snapshot, std::int64_t n_heads, const Style& style) {
  std::string out =
      style.dim(fmt::format("{:<35}{:>6} {:>15} {:>10}",
                            fmt::format("step {}", snapshot.at("step").get<std::int64_t>()),
                            "right", "best head looks", "offset")) +
      "\n";
  for (const Json& relation : snapshot.at("relations")) out += row_of(relation, n_heads, style);
  return out;
}

std::string drawn_over(const std::string& text, std::size_t lines) {
  std::string out = "\r\x1b[K";  // the progress bar's line
  if (lines > 0) out += fmt::format("\x1b[{}A", lines);
  for (const char c : text) out += c == '\n' ? std::string("\x1b[K\n") : std::string(1, c);
  return out;
}

void WatchTable::show(const Json& snapshot) {
  const std::string text = watch_table(snapshot, n_heads_, style_);
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
  const std::size_t rows = terminal_rows();
  if (rows == 0) {
    print(text);
    return;
  }
  // What has scrolled away cannot be drawn over.
  const bool fits = lines + 1 < rows;
  print(drawn_over(text, fits ? drawn_ : 0));
  drawn_ = fits ? lines : 0;
}

}  // namespace headlight::app
