// How caches store the elements of a head: rounded, or as integers with a scale.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/tensor.h"

namespace headlight {

/// Throws Error(op, ...) unless a cache can store `dtype`: f32, bf16, f16 or i8.
void check_storage(std::string_view op, DType dtype);

/// Rounds the elements of one head at one position to `dtype` at `to`. For i8 they become
/// round(x / scale) with scale = max |x| / 127, written to `scale`: off by at most scale / 2.
/// Throws Error(op, ...) when i8 would have to hold a NaN or an infinity.
void store_head(std::string_view op, std::span<const float> from, DType dtype, void* to,
                float* scale);

/// The first `length` positions of stored [N, H, room, W], or of scales [N, H, room], with
/// positions before heads, as the op wants them: [N, length, H, W] or [N, length, H]. Empty when
/// `stored` is.
TensorView positions_of(const Tensor& stored, std::int64_t length);

}  // namespace headlight
