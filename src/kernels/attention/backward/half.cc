#include "kernels/attention/backward/half.h"

#include <cstddef>

#include "core/threads.h"

namespace headlight {
namespace {

/// body(row of the contiguous tensor, offset in elements of the same row of `strided`) for the rows
/// of a [B, T, H, D] view, whose innermost stride is 1.
template <class View, class Body>
void for_each_row(const View& strided, const Body& body) {
  const std::int64_t length = strided.dim(1), heads = strided.dim(2);
  parallel_for(strided.dim(0) * length, [&](std::int64_t bt) {
    for (std::int64_t h = 0; h < heads; ++h)
      body(bt * heads + h, bt / length * strided.stride(0) + bt % length * strided.stride(1) +
                               h * strided.stride(2));
  });
}

Tensor widened(const TensorView& x) {
  Tensor out(x.shape());
  const auto width = static_cast<std::size_t>(x.dim(3));
  const auto element = static_cast<std::int64_t>(size_of(x.dtype()));
  float* to = out.span<float>().data();
  for_each_row(x, [&](std::int64_t row, std::int64_t offset) {
    widen(x.dtype(), static_cast<const std::byte*>(x.data()) + offset * element,
          {to + row * x.dim(3), width});
  });
  return out;
}

/// Where fp32 gradients go first if they are wanted in 16 bits.
class Rounded {
 public:
  explicit Rounded(MutableTensorView& wanted) : to_(wanted) {
    if (wanted.dtype() == DType::f32) return;
    wide_ = Tensor(wanted.shape());
    wanted = wide_;
  }
  void write() const {
    if (!wide_) return;
    const auto width = static_cast<std::size_t>(to_.dim(3));
    const auto element = static_cast<std::int64_t>(size_of(to_.dtype()));
    const float* from = wide_.span<float>().data();
    for_each_row(to_, [&](std::int64_t row, std::int64_t offset) {
      narrow(to_.dtype(), {from + row * to_.dim(3), width},
             static_cast<std::byte*>(to_.data()) + offset * element);
    });
  }

 private:
  MutableTensorView to_;
  Tensor wide_;
};

}  // namespace

bool is_half(const AttentionTensors& t, const AttentionGradients& g) {
  for (const TensorView& view : {t.q, t.k, t.v, TensorView(t.z), g.d_z, TensorView(g.d_q),
                                 TensorView(g.d_k), TensorView(g.d_v)})
    if (view.dtype() != DType::f32) return true;
  return false;
}

AttentionReport attention_backward_half(const AttentionTensors& tensors,
                                        const AttentionOptions& options,
                                        const AttentionGradients& gradients) {
  const Tensor q = widened(tensors.q), k = widened(tensors.k), v = widened(tensors.v),
               d_z = widened(gradients.d_z);
  Tensor z = widened(tensors.z);
  AttentionTensors t = tensors;
  t.q = q;
  t.k = k;
  t.v = v;
  t.z = z;
  AttentionGradients g = gradients;
  g.d_z = d_z;
  const Rounded d_q(g.d_q), d_k(g.d_k), d_v(g.d_v);
  AttentionReport report = attention_backward(t, options, g);
  for (const Rounded* rounded : {&d_q, &d_k, &d_v}) rounded->write();
  return report;
}

}  // namespace headlight
