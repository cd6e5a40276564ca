// The walk through a GGUF file that checks it: GgufFile's constructor.
#include <algorithm>
#include <array>
#include <bit>
#include <ranges>
#include <utility>

#include "core/error.h"
#include "core/utf8.h"
#include "io/gguf.h"
#include "io/gguf_format.h"
#include "io/stored_bytes.h"

namespace headlight {

using namespace gguf;

namespace {

constexpr std::size_t kMaxNameBytes = 65535;
constexpr std::uint64_t kDefaultAlignment = 32, kMaxAlignment = 1u << 20;
constexpr std::uint32_t kMaxDims = 4;

/// ggml's numbers for the tensor types that are not quantised.
struct TensorType {
  std::uint32_t number;
  DType dtype;
};
constexpr std::array<TensorType, 8> kTensorTypes = {{{0, DType::f32},
                                                     {1, DType::f16},
                                                     {24, DType::i8},
                                                     {25, DType::i16},
                                                     {26, DType::i32},
                                                     {27, DType::i64},
                                                     {28, DType::f64},
                                                     {30, DType::bf16}}};

}  // namespace

/// Walks the file once, front to back; nothing is read before it is known to be there.
struct GgufFile::Parser {
  GgufFile& out;
  const std::string name = printable(out.path().string(), 400);
  const std::span<const std::byte> all = out.file_.bytes();
  std::span<const std::byte> rest = all;

  struct Placed {  // a tensor, in bytes of the data section
    std::string name;
    DType dtype = DType::f32;
    Shape shape;
    std::uint64_t begin = 0, bytes = 0;
  };

  std::span<const std::byte> take(std::uint64_t n, std::string_view what) {
    check(n <= rest.size(), kOp, "{}: {} of {} bytes at byte {} is past the end of the file ({})",
          name, what, n, all.size() - rest.size(), all.size());
    const auto taken = rest.first(n);
    rest = rest.subspan(n);
    return taken;
  }

  template <class T>
  T read(std::string_view what) {
    return load<T>(take(sizeof(T), what));
  }

  std::string_view read_text(std::string_view what) {
    const auto length = read<std::uint64_t>(what);
    const std::string_view text = text_of(take(length, what));
    check(is_utf8(text), kOp, "{}: {} \"{}\" is not valid UTF-8", name, what, printable(text));
    return text;
  }

  std::string read_name(std::string_view what) {
    const std::string_view text = read_text(what);
    check(!text.empty() && text.size() <= kMaxNameBytes, kOp,
          "{}: {} of {} bytes; 1 to {} are read", name, what, text.size(), kMaxNameBytes);
    return std::string(text);
  }

  /// A number of things that take at least `least` bytes each.
  std::uint64_t read_count(std::string_view what, std::uint64_t least) {
    const auto count = read<std::uint64_t>(what);
    check(count <= rest.size() / least, kOp, "{}: {} {} is more than the file has room for", name,
          what, count);
    return count;
  }

  void read_values(const std::string& key, Value& value) {
    check(value.type < kTypes.size() && value.type != Type::array, kOp,
          "{}: key \"{}\" holds {}, which is not supported", name, printable(key),
          value.type == Type::array ? "an array of arrays" : fmt::format("type {}", value.type));
    const std::size_t each = kTypes[value.type].bytes;
    check(value.count <= rest.size() / each, kOp,
          "{}: key \"{}\" holds {} values, more than the file has room for", name, printable(key),
          value.count);
    const auto from = rest;
    if (value.type == Type::string) {
      for (std::uint64_t i = 0; i < value.count; ++i) read_text("a string");
    } else {
      take(value.count * each, "a value");
    }
    value.bytes = from.first(from.size() - rest.size());
    const bool odd = value.type == Type::boolean &&
                     std::ranges::any_of(value.bytes, [](std::byte b) { return b > std::byte{1}; });
    check(!odd, kOp, "{}: key \"{}\" holds a bool that is neither 0 nor 1", name, printable(key));
  }

  void read_pair() {
    const std::string key = read_name("a key");
    Value value{.type = read<std::uint32_t>("a type"), .is_array = false, .count = 1, .bytes = {}};
    if (value.type == Type::array) {
      value.is_array = true;
      value.type = read<std::uint32_t>("an array's type");
      value.count = read<std::uint64_t>("an array's length");
    }
    read_values(key, value);
    check(out.values_.emplace(key, value).second, kOp, "{}: duplicate key \"{}\"", name,
          printable(key));
  }

  DType tensor_type(const std::string& tensor, std::uint32_t number) const {
    const auto known = std::ranges::find(kTensorTypes, number, &TensorType::number);
    check(known != kTensorTypes.end(), kOp,
          "{}: tensor \"{}\" has ggml type {}, which is not supported; f32, f16 and bf16 are", name,
          printable(tensor), number);
    return known->dtype;
  }

  Shape read_shape(const std::string& tensor) {
    const auto n_dims = read<std::uint32_t>("a number of dimensions");
    check(n_dims <= kMaxDims, kOp, "{}: tensor \"{}\" has {} dimensions; at most {} are supported",
          name, printable(tensor), n_dims, kMaxDims);
    std::array<std::int64_t, kMaxDims> dims{};
    for (std::uint32_t i = 0; i < n_dims; ++i) {
      const auto dim = integer_at(u64, take(sizeof(std::uint64_t), "an extent"));
      check(dim.has_value(), kOp, "{}: tensor \"{}\" has an extent past 63 bits", name,
            printable(tensor));
      dims[n_dims - 1 - i] = *dim;
    }
    return Shape(std::span<const std::int64_t>(dims.data(), n_dims));
  }

  Placed read_placed(std::uint64_t alignment) {
    Placed tensor;
    tensor.name = read_name("a tensor name");
    tensor.shape = read_shape(tensor.name);
    tensor.dtype = tensor_type(tensor.name, read<std::uint32_t>("a tensor type"));
    tensor.begin = read<std::uint64_t>("a tensor offset");
    const auto bytes = stored_bytes(tensor.dtype, tensor.shape);
    check(bytes.has_value(), kOp, "{}: tensor \"{}\" {} overflows 63 bits of bytes", name,
          printable(tensor.name), to_string(tensor.shape));
    tensor.bytes = *bytes;
    check(tensor.begin % alignment == 0, kOp,
          "{}: tensor \"{}\" lies at {}, not a multiple of the alignment {}", name,
          printable(tensor.name), tensor.begin, alignment);
    return tensor;
  }

  std::uint64_t alignment() const {
    if (!out.contains("general.alignment")) return kDefaultAlignment;
    const std::int64_t value = out.integer("general.alignment");
    check(value >= 8 && value <= static_cast<std::int64_t>(kMaxAlignment) &&
              std::has_single_bit(static_cast<std::uint64_t>(value)),
          kOp, "{}: general.alignment {} is not a power of two from 8 to {}", name, value,
          kMaxAlignment);
    return static_cast<std::uint64_t>(value);
  }

  void place(std::vector<Placed> tensors, std::uint64_t alignment) {
    if (tensors.empty()) return;
    const std::size_t header = all.size() - rest.size();
    take((alignment - header % alignment) % alignment, "padding");
    std::ranges::stable_sort(tensors, {}, &Placed::begin);
    std::uint64_t covered = 0;
    for (const Placed& t : tensors) {
      check(t.begin <= rest.size() && t.bytes <= rest.size() - t.begin, kOp,
            "{}: tensor \"{}\" ({} bytes at {}) is past the end of the {} bytes of data", name,
            printable(t.name), t.bytes, t.begin, rest.size());
      check(t.begin >= covered, kOp, "{}: tensor \"{}\" overlaps the one before it at data byte {}",
            name, printable(t.name), t.begin);
      covered = t.begin + t.bytes;
      const TensorView view(rest.data() + t.begin, t.dtype, t.shape);
      check(out.tensors_.emplace(t.name, view).second, kOp, "{}: duplicate tensor \"{}\"", name,
            printable(t.name));
      out.tensor_names_.push_back(t.name);
    }
  }

  void run() {
    check(text_of(take(4, "the magic")) == "GGUF", kOp, "{}: does not open with \"GGUF\"", name);
    out.version_ = read<std::uint32_t>("the version");
    check(out.version_ == 2 || out.version_ == 3, kOp,
          "{}: version {} is not supported; 2 and 3, little-endian, are", name, out.version_);
    // The shortest tensor: name of one byte, no extents, type, offset. The shortest pair: a u8.
    const std::uint64_t n_tensors = read_count("tensor count", 9 + 4 + 4 + 8);
    const std::uint64_t n_pairs = read_count("key count", 9 + 4 + 1);
    for (std::uint64_t i = 0; i < n_pairs; ++i) read_pair();
    const std::uint64_t align = alignment();
    std::vector<Placed> tensors;
    for (std::uint64_t i = 0; i < n_tensors; ++i) tensors.push_back(read_placed(align));
    place(std::move(tensors), align);
  }
};

GgufFile::GgufFile(const std::filesystem::path& path) : file_(path) {
  Parser{*this}.run();
}

}  // namespace headlight
