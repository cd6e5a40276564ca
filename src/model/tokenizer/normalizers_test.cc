// What each step makes of a text, and which bytes every character then stands for.
#include "model/tokenizer/normalizers.h"

#include <gtest/gtest.h>

#include <random>

#include "model/tokenizer/test_support.h"

namespace headlight {
namespace {

/// Every character with the source text it stands for: "é<e\u0301>".
std::string with_sources(const AlignedText& out, std::string_view text) {
  std::string shown;
  out.each([&](char32_t c, Span from) {
    append_utf8(shown, c);
    shown.append("<").append(text.substr(from.begin, from.size())).append(">");
  });
  return shown;
}

std::string run(const Normalizer& step, std::string_view text) {
  return with_sources(step(AlignedText(text, 0)), text);
}

TEST(Normalizers, DecompositionKeepsTheCharacterAsSource) {
  EXPECT_EQ(run(normalize_form(NormalForm::nfd), "aé"), "a<a>e<é>\u0301<é>");
  EXPECT_EQ(run(normalize_form(NormalForm::nfkd), "ﬁ"), "f<ﬁ>i<ﬁ>");
  EXPECT_EQ(run(normalize_form(NormalForm::nfd), "한"), "\u1112<한>\u1161<한>\u11AB<한>");
  // Canonical order: the dot below (class 220) before the dot above (230), each with its source.
  EXPECT_EQ(run(normalize_form(NormalForm::nfd), "q\u0307\u0323"),
            "q<q>\u0323<\u0323>\u0307<\u0307>");
}

// As Hugging Face's BertNormalizer does: control, format and private characters go, unassigned ones
// stay.
TEST(Normalizers, BertDropsWhatIsNotText) {
  const auto step = normalize_bert({.clean_text = true,
                                    .handle_chinese_chars = false,
                                    .strip_accents = false,
                                    .lowercase = false});
  EXPECT_EQ(step(AlignedText("a\uE000b\u200Dc\x01"
                             "d\te\U00094E94",
                             0))
                .text(),
            "abcd e\U00094E94");
}

TEST(Normalizers, CompositionCoversAllItsParts) {
  EXPECT_EQ(run(normalize_form(NormalForm::nfc), "xe\u0301y"), "x<x>é<e\u0301>y<y>");
  EXPECT_EQ(run(normalize_form(NormalForm::nfkc), "①b"), "1<①>b<b>");
}

TEST(Normalizers, FormsAgreeOnRandomText) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 300; ++i) {
    const std::string text = testing::random_text(random, 40);
    const AlignedText in(text, 0);
    const auto nfd = normalize_form(NormalForm::nfd)(in);
    const auto nfc = normalize_form(NormalForm::nfc)(in);
    // Composing what was decomposed, and the other way round, leads to the same two texts.
    EXPECT_EQ(normalize_form(NormalForm::nfc)(nfd).text(), nfc.text());
    EXPECT_EQ(normalize_form(NormalForm::nfd)(nfc).text(), nfd.text());
    EXPECT_EQ(normalize_form(NormalForm::nfkc)(normalize_form(NormalForm::nfkd)(in)).text(),
              normalize_form(NormalForm::nfkc)(in).text());
  }
}

TEST(Normalizers, LowercaseMayLengthen) {
  EXPECT_EQ(run(normalize_lowercase(), "AÉΣ"), "a<A>é<É>σ<Σ>");
  EXPECT_EQ(run(normalize_lowercase(), "İ"), "i<İ>\u0307<İ>");
}

TEST(Normalizers, StripAndStripAccents) {
  EXPECT_EQ(run(normalize_strip(true, true), "\u3000 a b\t"), "a<a> < >b<b>");
  EXPECT_EQ(run(normalize_strip(true, false), " a "), "a<a> < >");
  EXPECT_EQ(run(normalize_strip(false, true), " a "), " < >a<a>");
  EXPECT_EQ(run(normalize_strip(true, true), " \t "), "");
  EXPECT_EQ(run(normalize_strip_accents(), "e\u0301a"), "e<e>a<a>");
}

TEST(Normalizers, PrependHasNoSourceOfItsOwn) {
  EXPECT_EQ(run(normalize_prepend("▁"), "ab"), "▁<>a<a>b<b>");
  EXPECT_EQ(run(normalize_prepend("▁"), ""), "");
}

TEST(Normalizers, ReplaceCoversTheWholeMatch) {
  EXPECT_EQ(run(normalize_replace(Pattern::literal("``"), "\""), "a``b"), "a<a>\"<``>b<b>");
  EXPECT_EQ(run(normalize_replace(Pattern::regex(" {2,}", "test"), " "), "a   b"),
            "a<a> <   >b<b>");
  EXPECT_EQ(run(normalize_replace(Pattern::literal("x"), ""), "axb"), "a<a>b<b>");
}

TEST(Normalizers, BertCleansSpacesStripsAndLowers) {
  const Normalizer bert = normalize_bert({});
  EXPECT_EQ(run(bert, std::string("A\0\u200D\tÉ", 9)), "a<A> <\t>e<É>");
  EXPECT_EQ(run(bert, "x数y"), "x<x> <>数<数> <>y<y>");
  const Normalizer cased = normalize_bert({.lowercase = false});
  EXPECT_EQ(run(cased, "É\u00A0a"), "É<É> <\u00A0>a<a>");
  const Normalizer accents = normalize_bert({.strip_accents = false});
  EXPECT_EQ(run(accents, "É"), "é<É>");
}

TEST(Normalizers, AMegabyteOfMarksIsNoTrouble) {
  std::string text = "a";
  while (text.size() < (1u << 20)) text += "\u0301\u0323";
  EXPECT_EQ(normalize_form(NormalForm::nfd)(AlignedText(text, 0)).size(), text.size());
  EXPECT_FALSE(normalize_form(NormalForm::nfc)(AlignedText(text, 0)).empty());
}

}  // namespace
}  // namespace headlight
