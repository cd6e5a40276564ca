#include "core/error.h"
#include "kernels/matmul.h"

namespace headlight {
namespace {

void check_f32_matrix(const char* name, const TensorView& v) {
  check(v.rank() == 2 && v.dtype() == DType::f32, "matmul", "{} must be f32 of rank 2, got {} {}",
        name, name_of(v.dtype()), to_string(v.shape()));
}

}  // namespace

// c[i, j] = sum_p a[i, p] b[p, j]
void matmul_ref(TensorView a, TensorView b, MutableTensorView c) {
  check_f32_matrix("a", a);
  check_f32_matrix("b", b);
  check_f32_matrix("c", c);
  check(a.dim(1) == b.dim(0), "matmul", "a {} times b {}: inner extents {} and {} differ",
        to_string(a.shape()), to_string(b.shape()), a.dim(1), b.dim(0));
  check(c.shape() == Shape{a.dim(0), b.dim(1)}, "matmul", "a {} times b {} gives {}, but c is {}",
        to_string(a.shape()), to_string(b.shape()), to_string(Shape{a.dim(0), b.dim(1)}),
        to_string(c.shape()));
  const float* pa = a.as<float>();
  const float* pb = b.as<float>();
  float* pc = c.as<float>();
  for (std::int64_t i = 0; i < c.dim(0); ++i) {
    for (std::int64_t j = 0; j < c.dim(1); ++j) {
      double sum = 0;
      for (std::int64_t p = 0; p < a.dim(1); ++p)
        sum += static_cast<double>(pa[i * a.stride(0) + p * a.stride(1)]) *
               static_cast<double>(pb[p * b.stride(0) + j * b.stride(1)]);
      pc[i * c.stride(0) + j * c.stride(1)] = static_cast<float>(sum);
    }
  }
}

}  // namespace headlight
