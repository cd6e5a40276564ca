#include "app/terminal.h"

#include <gtest/gtest.h>

namespace headlight::app {
namespace {

TEST(Terminal, WidthCountsColumns) {
  EXPECT_EQ(display_width(""), 0u);
  EXPECT_EQ(display_width("cat"), 3u);
  EXPECT_EQ(display_width("caf\u00E9"), 4u);
  EXPECT_EQ(display_width("cafe\u0301"), 4u) << "a combining accent takes no column";
  EXPECT_EQ(display_width("\u732B"), 2u);
  EXPECT_EQ(display_width("\U0001F916"), 2u);
  EXPECT_EQ(display_width("\u2588\u2026\u2423"), 3u) << "bars, ellipsis and open box are narrow";
}

TEST(Terminal, FitIsExact) {
  EXPECT_EQ(fit("cat", 5), "cat  ");
  EXPECT_EQ(fit("cat", 3), "cat");
  EXPECT_EQ(fit("cats", 3), "ca\u2026");
  EXPECT_EQ(fit("\u732B\u732B\u732B", 4), "\u732B\u2026 ")
      << "half of a wide character is not shown";
  EXPECT_EQ(cut("\u732B\u732B\u732B", 4), "\u732B\u2026");
  EXPECT_EQ(cut("abe\u0301cd", 4), "abe\u0301\u2026") << "an accent stays with its letter";
  EXPECT_EQ(cut("abc", 0), "");
  for (std::size_t width = 0; width < 12; ++width)
    EXPECT_EQ(display_width(fit("a\u732Bb\U0001F916c\u0301d", width)), width);
}

TEST(Terminal, PiecesShowWhatCannotBeSeen) {
  EXPECT_EQ(shown_piece(" Once"), "\u2423Once");
  EXPECT_EQ(shown_piece("  "), "\u2423\u2423");
  EXPECT_EQ(shown_piece("a b "), "a b\u2423");
  EXPECT_EQ(shown_piece("\n\t\x1b[31m"), "\\n\\t\\x1b[31m");
  EXPECT_EQ(shown_piece("\u202Eabc"), "\\u202eabc") << "text is not turned around";
  EXPECT_EQ(shown_piece("\u4E2D\u6587"), "\u4E2D\u6587");
}

TEST(Terminal, BarsGrowByEighths) {
  EXPECT_EQ(bar(0, 4), "");
  EXPECT_EQ(bar(1, 4), "\u2588\u2588\u2588\u2588");
  EXPECT_EQ(bar(0.5, 4), "\u2588\u2588");
  EXPECT_EQ(bar(1.0 / 32, 4), "\u258F");
  EXPECT_EQ(bar(0.5 + 1.0 / 8, 1), "\u258B");
  EXPECT_EQ(bar(2, 3), bar(1, 3));
}

TEST(Terminal, StyleIsNothingWithoutColour) {
  EXPECT_EQ(Style(false).bold("x"), "x");
  EXPECT_EQ(Style(true).bold("x"), "\x1b[1mx\x1b[0m");
}

}  // namespace
}  // namespace headlight::app
