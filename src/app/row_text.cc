#include "app/row_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace headlight::app {
namespace {

constexpr std::size_t kLabel = 4;                    // columns of a label
constexpr std::size_t kPrefix = kLabel + 1 + 4 + 2;  // with the entropy and gaps
constexpr std::size_t kBar = 4;                      // columns of a compact bar
constexpr std::size_t kTargetsPerLine = 3;

/// Indices of the `count` largest values, largest first, the earlier of equals first.
std::vector<std::size_t> strongest(std::span<const float> row, std::size_t count) {
  std::vector<std::size_t> order(row.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const auto middle = order.begin() + static_cast<std::ptrdiff_t>(std::min(count, row.size()));
  std::partial_sort(order.begin(), middle, order.end(), [row](std::size_t a, std::size_t b) {
    return row[a] != row[b] ? row[a] > row[b] : a < b;
  });
  order.erase(middle, order.end());
  return order;
}

std::string byte_range(const Token& token) {
  return token.begin == token.end ? "" : fmt::format("{}-{}", token.begin, token.end);
}

std::string without_trailing_spaces(std::string line) {
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

/// A piece where it stands among words: the token table shows its leading space.
std::string_view bare(std::string_view shown) {
  constexpr std::string_view kOpenBox = "\u2423";
  const bool space = shown.starts_with(kOpenBox) && shown.size() > kOpenBox.size();
  return space ? shown.substr(kOpenBox.size()) : shown;
}

}  // namespace

RowText::RowText(const std::vector<Token>& tokens, std::int64_t top, Style style)
    : tokens_(tokens),
      top_(std::min(static_cast<std::size_t>(std::max<std::int64_t>(top, 1)), tokens.size())),
      index_width_(std::to_string(tokens.size() - 1).size()),
      per_line_(std::min(top_, kTargetsPerLine)),
      style_(style) {
  for (const Token& token : tokens) pieces_.push_back(shown_piece(token.piece));
  // What a line has left for pieces: "+N 0.00" ends it, and each target has an index, a number, a
  // bar and gaps.
  const std::size_t rest = 1 + index_width_ + 5;
  const std::size_t fixed = index_width_ + 1 + 1 + 4 + 1 + kBar + 1;
  const std::size_t room = (kColumns - kPrefix - rest) / per_line_;
  piece_width_ = std::clamp<std::size_t>(room - std::min(room, fixed), 3, 24);
}

std::string RowText::token_table(std::size_t most) const {
  constexpr std::size_t kPerLine = 3, kCell = kColumns / kPerLine, kBytes = 9;
  const std::size_t piece = kCell - index_width_ - kBytes - 3;
  const std::size_t head = tokens_.size() <= most ? tokens_.size() : most / 2;
  const std::size_t tail = tokens_.size() <= most ? 0 : most / 2;
  std::string out, line;
  const auto end_line = [&] {
    out += without_trailing_spaces(std::move(line)) + "\n";
    line.clear();
  };
  std::size_t in_line = 0;
  for (std::size_t t = 0; t < tokens_.size(); ++t) {
    if (t == head && tail > 0) {
      if (in_line > 0) end_line();
      in_line = 0;
      t = tokens_.size() - tail;
      out += fmt::format("  ... {} more tokens ...\n", t - head);
    }
    line += fmt::format("{:>{}} {} {} ", t, index_width_, fit(pieces_[t], piece),
                        fit(byte_range(tokens_[t]), kBytes));
    if (++in_line % kPerLine == 0 || t + 1 == tokens_.size()) {
      end_line();
      in_line = 0;
    }
  }
  return out;
}

std::string RowText::name(std::int64_t token) const {
  return fmt::format("{} \"{}\"", token, cut(bare(pieces_[static_cast<std::size_t>(token)]), 24));
}

std::string RowText::heading(std::string_view label) const {
  return style_.dim(fmt::format("{:>{}} nats  strongest targets, and the rest\n", label, kLabel));
}

std::string RowText::target(std::size_t token, float weight) const {
  return fmt::format("{:>{}} {} {:.2f} {} ", token, index_width_,
                     fit(bare(pieces_[token]), piece_width_), weight,
                     style_.accent(fit(bar(weight, kBar), kBar)));
}

std::string RowText::compact(std::string_view label, double entropy,
                             std::span<const float> row) const {
  std::string out = fmt::format("{:>{}} {:4.2f}  ", label, kLabel, entropy);
  double rest = std::accumulate(row.begin(), row.end(), 0.0);
  std::size_t in_line = 0;
  for (std::size_t t : strongest(row, top_)) {
    if (in_line == per_line_) {
      out = without_trailing_spaces(std::move(out)) + "\n";
      out.append(kPrefix, ' ');
      in_line = 0;
    }
    ++in_line;
    rest -= row[t];
    out += target(t, row[t]);
  }
  if (row.size() > top_) out += fmt::format("+{} {:.2f}", row.size() - top_, std::max(rest, 0.0));
  return without_trailing_spaces(std::move(out)) + "\n";
}

std::string RowText::full(std::span<const float> row) const {
  constexpr std::size_t kPiece = 24, kNumber = 6;
  const std::size_t cells = kColumns - index_width_ - kPiece - kNumber - 3;
  std::string out;
  for (std::size_t t = 0; t < row.size(); ++t) {
    out += fmt::format("{:>{}} {} {:.4f} {}", t, index_width_, fit(pieces_[t], kPiece), row[t],
                       style_.accent(bar(row[t], cells)));
    out = without_trailing_spaces(std::move(out)) + "\n";
  }
  return out;
}

}  // namespace headlight::app
