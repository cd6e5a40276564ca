// What the reader and the writer of safetensors files both have to know.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "core/dtype.h"

namespace headlight::safetensors {

inline constexpr std::string_view kOp = "safetensors";
inline constexpr std::string_view kMetadataKey = "__metadata__";
/// Bytes of the header length that opens the file.
inline constexpr std::size_t kPrefixBytes = 8;
/// The reference implementation's bound on the header.
inline constexpr std::size_t kMaxHeaderBytes = 100'000'000;

struct DTypeName {
  std::string_view name;
  DType dtype;
};
inline constexpr std::array<DTypeName, 10> kDTypeNames = {{{"F32", DType::f32},
                                                           {"BF16", DType::bf16},
                                                           {"F16", DType::f16},
                                                           {"F64", DType::f64},
                                                           {"I64", DType::i64},
                                                           {"I32", DType::i32},
                                                           {"I16", DType::i16},
                                                           {"I8", DType::i8},
                                                           {"U8", DType::u8},
                                                           {"BOOL", DType::boolean}}};

}  // namespace headlight::safetensors
