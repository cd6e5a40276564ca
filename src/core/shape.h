// Extents of a tensor: at most eight dimensions, held in place (no allocation).
#pragma once

#include <fmt/core.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace headlight {

/// A row of extents, also used for strides. Value type; printing gives "[2, 3, 4]".
class Shape {
 public:
  static constexpr std::size_t kMaxRank = 8;

  constexpr Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims);
  explicit Shape(std::span<const std::int64_t> dims);

  std::size_t rank() const { return rank_; }
  std::int64_t operator[](std::size_t i) const { return dims_[i]; }
  std::int64_t& operator[](std::size_t i) { return dims_[i]; }
  const std::int64_t* begin() const { return dims_.data(); }
  const std::int64_t* end() const { return dims_.data() + rank_; }
  void push_back(std::int64_t dim);

  /// Product of the extents (1 for rank 0). Throws when it does not fit 63 bits.
  std::int64_t numel() const;
  /// Row-major strides in elements.
  Shape contiguous_strides() const;

  friend bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<std::int64_t, kMaxRank> dims_{};
  std::size_t rank_ = 0;
};

std::string to_string(const Shape& shape);

}  // namespace headlight

/// Lets check() take a shape as it is, and format it only on failure.
template <>
struct fmt::formatter<headlight::Shape> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const headlight::Shape& shape, Context& context) const {
    return fmt::formatter<std::string>::format(to_string(shape), context);
  }
};
