#include "model/tokenizer/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <array>

#include "core/error.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "tokenizer";
constexpr std::size_t kJitStackStart = 64u << 10;
constexpr std::size_t kJitStackLimit = 64u << 20;
constexpr std::uint32_t kMatchLimit = 50'000'000;
constexpr std::uint32_t kHeapLimitKiB = 256u << 10;

struct Free {
  void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
  void operator()(pcre2_match_context* p) const { pcre2_match_context_free(p); }
  void operator()(pcre2_jit_stack* p) const { pcre2_jit_stack_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::string message_of(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

/// One search through one text: the memory that PCRE2 needs for it, and its limits.
class Search {
 public:
  Search(const pcre2_code* code, std::string_view text)
      : code_(code),
        text_(text),
        data_(pcre2_match_data_create(1, nullptr)),
        context_(pcre2_match_context_create(nullptr)) {
    check(data_ && context_, kOp, "no memory for a regular expression");
    pcre2_set_match_limit(context_.get(), kMatchLimit);
    pcre2_set_heap_limit(context_.get(), kHeapLimitKiB);
  }

  /// The first match at or after `from`, or a negative code.
  int next(std::size_t from, Span& match) {
    int code = run(from);
    if (code == PCRE2_ERROR_JIT_STACKLIMIT && !stack_) {  // 32 KiB of the thread's own stack so far
      stack_.reset(pcre2_jit_stack_create(kJitStackStart, kJitStackLimit, nullptr));
      check(stack_ != nullptr, kOp, "no memory for a regular expression");
      pcre2_jit_stack_assign(context_.get(), nullptr, stack_.get());
      code = run(from);
    }
    if (code < 0) return code;
    const PCRE2_SIZE* found = pcre2_get_ovector_pointer(data_.get());
    match = {static_cast<std::uint32_t>(found[0]), static_cast<std::uint32_t>(found[1])};
    return code;
  }

 private:
  int run(std::size_t from) {  // the text is checked once, not by every match
    return pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text_.data()), text_.size(), from,
                       PCRE2_NO_UTF_CHECK, data_.get(), context_.get());
  }

  const pcre2_code* code_;
  std::string_view text_;
  Owned<pcre2_match_data> data_;
  Owned<pcre2_match_context> context_;
  Owned<pcre2_jit_stack> stack_;
};

}  // namespace

Pattern Pattern::literal(std::string text) {
  Pattern out;
  out.text_ = std::move(text);
  return out;
}

Pattern Pattern::regex(const std::string& expression, std::string_view source) {
  int error = 0;
  PCRE2_SIZE at = 0;
  // \C could split a character, after which the text would no longer be valid UTF-8.
  pcre2_code* code =
      pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()), expression.size(),
                    PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &at, nullptr);
  check(code != nullptr, kOp, "{}: the regular expression \"{}\" is not valid at byte {}: {}",
        source, printable(expression), at, message_of(error));
  Pattern out;
  out.text_ = expression;
  out.regex_ = std::shared_ptr<const void>(
      code, [](const void* p) { pcre2_code_free(static_cast<pcre2_code*>(const_cast<void*>(p))); });
  // Where the JIT compiler cannot help, pcre2_match interprets: slower, the same matches.
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
  return out;
}

std::vector<Span> Pattern::find_all(std::string_view text) const {
  return regex_ ? find_regex(text) : find_literal(text);
}

std::vector<Span> Pattern::find_literal(std::string_view text) const {
  std::vector<Span> found;
  if (text_.empty()) return found;
  for (std::size_t at = text.find(text_); at != text.npos; at = text.find(text_, at + text_.size()))
    found.push_back(
        {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + text_.size())});
  return found;
}

std::vector<Span> Pattern::find_regex(std::string_view text) const {
  Search search(static_cast<const pcre2_code*>(regex_.get()), text);
  std::vector<Span> found;
  for (std::size_t at = 0; at <= text.size();) {
    Span match;
    const int code = search.next(at, match);
    if (code == PCRE2_ERROR_NOMATCH) break;
    if (code < 0)
      fail(kOp, "the regular expression \"{}\" gave up at byte {} of {}: {}", printable(text_), at,
           text.size(), message_of(code));
    if (match.begin < at || match.begin > match.end)
      fail(kOp, "the regular expression \"{}\" moves the start of its match (\\K)",
           printable(text_));
    const bool empty = match.size() == 0;
    // An empty match splits the text, but not where the last match has just done so.
    if (!empty || found.empty() || found.back().end != match.begin) found.push_back(match);
    at = match.end;
    if (!empty) continue;
    if (at == text.size()) break;
    next_code_point(text, at);
  }
  return found;
}

}  // namespace headlight
