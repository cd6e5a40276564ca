// An fp32 matrix of any strides.
#pragma once

#include <cstdint>

namespace headlight {

/// Strides are in floats.
template <class T>
struct StridedMatrix {
  T* data = nullptr;
  std::int64_t rows = 0, columns = 0;
  std::int64_t row_stride = 0, column_stride = 0;

  T& at(std::int64_t i, std::int64_t j) const { return data[i * row_stride + j * column_stride]; }
};

}  // namespace headlight
