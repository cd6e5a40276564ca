// Linear layers: weights in panels, made once.
#include <algorithm>
#include <utility>

#include "core/error.h"
#include "kernels/matmul/gemm.h"
#include "kernels/matmul/matmul.h"
#include "kernels/rows.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "matmul";

void check_weight(const TensorView& weight, const TensorView& bias, std::int64_t n) {
  check(weight.data() && weight.rank() == 2 && weight.dim(0) > 0 && weight.dim(1) > 0, kOp,
        "a weight must have two positive extents, got {}", weight.shape());
  check(is_weight_type(weight.dtype()), kOp, "weight {} is {}; it must be f32, bf16 or f16",
        weight.shape(), name_of(weight.dtype()));
  check(weight.stride(1) == 1 && weight.stride(0) >= weight.dim(1), kOp,
        "weight {} has strides {}; rows must be contiguous and not overlap", weight.shape(),
        weight.strides());
  if (!bias) return;
  check(bias.shape() == Shape{n} && bias.contiguous(), kOp,
        "bias {} does not fit weight {}; it must be a contiguous [{}]", bias.shape(),
        weight.shape(), n);
  check(is_weight_type(bias.dtype()), kOp, "bias {} is {}; it must be f32, bf16 or f16",
        bias.shape(), name_of(bias.dtype()));
}

/// fp32, with zeros up to whole panels.
Tensor padded_bias(const TensorView& bias, std::int64_t n) {
  Tensor out({panels_of(n) * kPanelColumns});
  widen(bias.dtype(), bias.data(), out.span<float>().first(static_cast<std::size_t>(n)));
  return out;
}

template <class T>
Tensor packed(const TensorView& weight, WeightLayout layout) {
  const bool out_in = layout == WeightLayout::out_in;
  const std::int64_t k = weight.dim(out_in ? 1 : 0), n = weight.dim(out_in ? 0 : 1);
  const StridedMatrix<const T> b{weight.as<T>(), k, n, out_in ? 1 : weight.stride(0),
                                 out_in ? weight.stride(0) : 1};
  const auto elements = panel_bytes(kDTypeOf<T>, k) / static_cast<std::int64_t>(sizeof(T));
  Tensor panels(kDTypeOf<T>, {panels_of(n) * elements});
  pack_panels(b, panels.span<T>().data());
  return panels;
}

}  // namespace

struct Linear::Impl {
  std::int64_t k = 0, n = 0;
  Tensor panels;  // of the weight's dtype
  Tensor bias;    // [panels_of(n) * 16], or empty
};

Linear::Linear() = default;
Linear::~Linear() = default;
Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;

Linear::Linear(TensorView weight, WeightLayout layout, TensorView bias) {
  const bool out_in = layout == WeightLayout::out_in;
  const std::int64_t n = weight.rank() == 2 ? weight.dim(out_in ? 0 : 1) : 0;
  check_weight(weight, bias, n);
  auto impl = std::make_unique<Impl>();
  impl->k = weight.dim(out_in ? 1 : 0);
  impl->n = n;
  if (bias) impl->bias = padded_bias(bias, n);
  if (weight.dtype() == DType::f32)
    impl->panels = packed<float>(weight, layout);
  else if (weight.dtype() == DType::bf16)
    impl->panels = packed<BFloat16>(weight, layout);
  else
    impl->panels = packed<Float16>(weight, layout);
  impl_ = std::move(impl);
}

std::int64_t Linear::in_features() const {
  return impl_ ? impl_->k : 0;
}

std::int64_t Linear::out_features() const {
  return impl_ ? impl_->n : 0;
}

void Linear::apply(TensorView x, MutableTensorView y, const LinearOptions& options) const {
  check(impl_ != nullptr, kOp, "this linear layer holds no weight");
  const auto in = rows_of(kOp, "x", x);
  const auto out = rows_of(kOp, "y", y);
  check(in.width == impl_->k && out.width == impl_->n && in.count == out.count, kOp,
        "x {} and y {} do not fit weights {}: x must be [rows, {}] and y [rows, {}]", x.shape(),
        y.shape(), Shape{impl_->k, impl_->n}, impl_->k, impl_->n);
  check(options.finish_width >= 1, kOp, "finish_width is {}; it must be positive",
        options.finish_width);
  check(in.count <= 1 || (in.stride >= in.width && out.stride >= out.width), kOp,
        "row strides {} of x {} and {} of y {} overlap", in.stride, x.shape(), out.stride,
        y.shape());
  GemmOutput c;
  c.data = out.data;
  c.row_stride = out.stride;
  c.bias = impl_->bias ? std::as_const(impl_->bias).span<float>().data() : nullptr;
  c.accumulate = options.accumulate;
  c.finish = options.finish;
  c.finish_width = options.finish_width;
  gemm({in.data, in.count, in.width, in.stride, 1},
       {std::as_const(impl_->panels).view().data(), impl_->k, impl_->n, impl_->panels.dtype()}, c);
}

}  // namespace headlight
