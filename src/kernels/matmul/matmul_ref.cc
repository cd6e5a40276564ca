#include "core/error.h"
#include "kernels/matmul/matmul_arguments.h"

namespace headlight {
namespace {

template <bool kMutable>
auto matrix_of(std::string_view name, const BasicTensorView<kMutable>& view) {
  check(view.rank() == 2 && view.dtype() == DType::f32, "matmul",
        "{} must be f32 of rank 2, got {} {}", name, name_of(view.dtype()), view.shape());
  using T = typename BasicTensorView<kMutable>::template Element<float>;
  return StridedMatrix<T>{view.template as<float>(), view.dim(0), view.dim(1), view.stride(0),
                          view.stride(1)};
}

}  // namespace

MatmulArguments matmul_arguments(TensorView a, TensorView b, MutableTensorView c,
                                 const MatmulOptions& options) {
  const MatmulArguments m{matrix_of("a", a), matrix_of("b", b), matrix_of("c", c),
                          options.accumulate};
  check(m.a.columns == m.b.rows, "matmul", "a {} times b {}: inner extents {} and {} differ",
        a.shape(), b.shape(), m.a.columns, m.b.rows);
  check(m.c.rows == m.a.rows && m.c.columns == m.b.columns, "matmul",
        "a {} times b {} gives {}, but c is {}", a.shape(), b.shape(), Shape{m.a.rows, m.b.columns},
        c.shape());
  return m;
}

// c[i, j] (+)= sum_p a[i, p] b[p, j]
void matmul_ref(TensorView a, TensorView b, MutableTensorView c, const MatmulOptions& options) {
  const MatmulArguments m = matmul_arguments(a, b, c, options);
  for (std::int64_t i = 0; i < m.c.rows; ++i) {
    for (std::int64_t j = 0; j < m.c.columns; ++j) {
      double sum = m.accumulate ? m.c.at(i, j) : 0;
      for (std::int64_t p = 0; p < m.a.columns; ++p)
        sum += static_cast<double>(m.a.at(i, p)) * static_cast<double>(m.b.at(p, j));
      m.c.at(i, j) = static_cast<float>(sum);
    }
  }
}

}  // namespace headlight
