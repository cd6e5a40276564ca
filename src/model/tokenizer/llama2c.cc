#include "model/tokenizer/llama2c.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "core/mapped_file.h"
#include "core/utf8.h"
#include "model/tokenizer/bpe.h"
#include "model/tokenizer/pipeline.h"

namespace headlight {
namespace {

static_assert(std::endian::native == std::endian::little);

namespace fs = std::filesystem;

constexpr std::string_view kOp = "tokenizer";
constexpr std::int32_t kMostPieceBytes = 1 << 10;  // real ones stay below 32
constexpr std::int64_t kBeginId = 1;
constexpr std::int64_t kEndId = 2;

struct ScoredPiece {
  std::string text;
  float score = 0;
};

/// Values from the front of a file, each checked to be there.
class Bytes {
 public:
  Bytes(std::string_view rest, std::string source)
      : rest_(rest), size_(rest.size()), source_(std::move(source)) {}

  bool done() const { return rest_.empty(); }
  std::string_view take(std::size_t count, std::string_view what) {
    check(count <= rest_.size(), kOp, "{}: ends at byte {} inside {}, which needs {} bytes more",
          source_, size_, what, count - rest_.size());
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  template <class T>
  T value(std::string_view what) {
    T out;
    std::memcpy(&out, take(sizeof(T), what).data(), sizeof(T));
    return out;
  }

 private:
  std::string_view rest_;
  std::size_t size_;
  std::string source_;
};

std::vector<ScoredPiece> read_pieces(std::string_view file, const std::string& source) {
  Bytes bytes(file, source);
  const auto longest = bytes.value<std::int32_t>("the length of the longest piece");
  check(longest > 0 && longest <= kMostPieceBytes, kOp,
        "{}: the longest piece is said to have {} bytes; 1 to {} are possible", source, longest,
        kMostPieceBytes);
  std::vector<ScoredPiece> pieces;
  while (!bytes.done()) {
    const auto score = bytes.value<float>("a score");
    const auto length = bytes.value<std::int32_t>("a length");
    check(std::isfinite(score), kOp, "{}: the score of piece {} is not finite", source,
          pieces.size());
    check(length > 0 && length <= longest, kOp, "{}: piece {} has {} bytes; 1 to {} are possible",
          source, pieces.size(), length, longest);
    const std::string_view text = bytes.take(static_cast<std::size_t>(length), "a piece");
    if (!is_utf8(text))
      fail(kOp, "{}: piece {} is not UTF-8: \"{}\"", source, pieces.size(), printable(text));
    pieces.push_back({std::string(text), score});
  }
  check(pieces.size() > static_cast<std::size_t>(kEndId), kOp,
        "{}: {} pieces; ids 0, 1 and 2 are needed for unknown, begin and end of text", source,
        pieces.size());
  return pieces;
}

/// llama2.c merges the two neighbours whose join has the best score, and knows no other rule: every
/// way to cut a piece in two known ones is a merge, and equal scores have equal ranks.
std::vector<BpeMerge> merges_of(const std::vector<ScoredPiece>& pieces,
                                const Vocabulary& vocabulary) {
  std::vector<float> scores;
  for (const ScoredPiece& piece : pieces) scores.push_back(piece.score);
  std::sort(scores.begin(), scores.end(), std::greater<>());
  scores.erase(std::unique(scores.begin(), scores.end()), scores.end());
  std::vector<BpeMerge> merges;
  for (const auto& [text, score] : pieces) {
    const auto rank = static_cast<std::uint32_t>(
        std::lower_bound(scores.begin(), scores.end(), score, std::greater<>()) - scores.begin());
    for (std::size_t at = utf8_length(text); at < text.size();) {
      const std::string left = text.substr(0, at), right = text.substr(at);
      if (vocabulary.find(left) && vocabulary.find(right)) merges.push_back({left, right, rank});
      next_code_point(text, at);
    }
  }
  return merges;
}

bool is_numbered_name(std::string_view name) {
  if (!name.starts_with("tok") || !name.ends_with(".bin") || name.size() < 8) return false;
  const std::string_view number = name.substr(3, name.size() - 7);
  return std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::optional<fs::path> find_llama2c_vocabulary(const fs::path& folder) {
  std::error_code ignored;
  if (is_taken(folder / "tokenizer.bin")) return folder / "tokenizer.bin";
  std::optional<fs::path> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    if (!is_numbered_name(entry.path().filename().string())) continue;
    if (found)
      fail(kOp, "{}: both {} and {}; name the right one tokenizer.bin",
           printable(folder.string(), 400), found->filename().string(),
           entry.path().filename().string());
    found = entry.path();
  }
  return found;
}

std::unique_ptr<Tokenizer> read_llama2c_vocabulary(const fs::path& path) {
  const std::string source = printable(path.string(), 400);
  const std::string file = read_text_file(path);
  const std::vector<ScoredPiece> pieces = read_pieces(file, source);
  std::vector<VocabularyEntry> entries;
  for (const ScoredPiece& piece : pieces)
    entries.push_back({piece.text, static_cast<std::int64_t>(entries.size())});

  PipelineParts parts;
  parts.kind = "SentencePiece BPE (llama2.c)";
  parts.vocabulary =
      std::make_shared<const Vocabulary>(entries, std::vector<VocabularyEntry>{}, source);
  parts.model =
      std::make_unique<Bpe>(parts.vocabulary, merges_of(pieces, *parts.vocabulary),
                            BpeOptions{.unk_token = pieces[0].text, .byte_fallback = true});
  for (const std::int64_t id : {kBeginId, kEndId})
    parts.added_tokens.push_back({.content = {}, .id = id, .special = true});
  parts.normalizer = normalize_prepend(" ");
  parts.post_processor.single = {{TemplateItem::Kind::special, 0, kBeginId},
                                 {TemplateItem::Kind::first}};
  parts.decoder =
      decode_sequence({decode_byte_fallback(), decode_fuse(), decode_strip(U' ', 1, 0)});
  return make_pipeline(std::move(parts));
}

}  // namespace headlight
