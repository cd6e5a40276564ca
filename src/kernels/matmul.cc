#include "kernels/matmul.h"

#include <algorithm>
#include <cstring>
#include <dnnl.hpp>
#include <list>
#include <unordered_map>
#include <utility>

#include "core/error.h"
#include "core/threads.h"
#include "kernels/rows.h"

namespace headlight {
namespace {

using Memory = dnnl::memory;
using MemoryDesc = dnnl::memory::desc;
constexpr auto kF32 = Memory::data_type::f32;

// The layout is chosen once, for a prompt of this many rows; other row counts keep it.
constexpr std::int64_t kLayoutRows = 128;
// Primitives kept per layer: one per (rows, strides, threads) seen lately.
constexpr std::size_t kPrimitivesKept = 16;

dnnl::engine& cpu_engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

// oneDNN's errors carry only a status; say which layer it was.
template <class Body>
auto guarded(const char* doing, std::int64_t k, std::int64_t n, const Body& body) {
  try {
    return body();
  } catch (const dnnl::error& e) {
    fail("matmul", "oneDNN could not {} for weights {}: {}", doing, Shape{k, n},
         printable(e.what()));
  }
}

// What a primitive is made for.
struct CallShape {
  std::int64_t rows = 0;
  std::int64_t x_stride = 0;
  std::int64_t y_stride = 0;
  int threads = 0;

  bool operator==(const CallShape&) const = default;
};

dnnl::matmul::primitive_desc describe(const CallShape& call, const MemoryDesc& weight, bool bias) {
  const std::int64_t k = weight.dims()[0];
  const std::int64_t n = weight.dims()[1];
  const MemoryDesc x({call.rows, k}, kF32, Memory::dims{call.x_stride, 1});
  const MemoryDesc y({call.rows, n}, kF32, Memory::dims{call.y_stride, 1});
  dnnl::primitive_attr attr;
  attr.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const auto desc =
      bias ? dnnl::matmul::desc(x, weight, MemoryDesc({1, n}, kF32, Memory::format_tag::ab), y)
           : dnnl::matmul::desc(x, weight, y);
  return {desc, attr, cpu_engine()};
}

// Working memory shared by every layer that this thread runs.
void* scratchpad(std::size_t bytes) {
  thread_local Tensor buffer;
  if (!buffer || buffer.bytes() < bytes)
    buffer = Tensor(DType::u8, {static_cast<std::int64_t>(std::max<std::size_t>(bytes, 1))});
  return buffer.view().data();
}

// fp32 copy of a weight stored in 16 bits, row by row so that strided views work.
Tensor widened(const TensorView& weight) {
  Tensor out(weight.shape());
  const auto width = static_cast<std::size_t>(weight.dim(1));
  const auto* from = static_cast<const std::byte*>(weight.data());
  const auto step = static_cast<std::int64_t>(size_of(weight.dtype())) * weight.stride(0);
  for (std::int64_t i = 0; i < weight.dim(0); ++i)
    widen(weight.dtype(), from + i * step,
          out.span<float>().subspan(static_cast<std::size_t>(i) * width, width));
  return out;
}

void check_weight(const TensorView& weight, const TensorView& bias, std::int64_t n) {
  check(weight.data() && weight.rank() == 2 && weight.dim(0) > 0 && weight.dim(1) > 0, "matmul",
        "a weight must have two positive extents, got {}", weight.shape());
  check(is_weight_type(weight.dtype()), "matmul", "weight {} is {}; it must be f32, bf16 or f16",
        weight.shape(), name_of(weight.dtype()));
  check(weight.stride(1) == 1 && weight.stride(0) >= weight.dim(1), "matmul",
        "weight {} has strides {}; rows must be contiguous and not overlap", weight.shape(),
        weight.strides());
  if (!bias) return;
  check(bias.shape() == Shape{n} && bias.contiguous(), "matmul",
        "bias {} does not fit weight {}; it must be a contiguous [{}]", bias.shape(),
        weight.shape(), n);
  check(is_weight_type(bias.dtype()), "matmul", "bias {} is {}; it must be f32, bf16 or f16",
        bias.shape(), name_of(bias.dtype()));
}

}  // namespace

struct Linear::Impl {
  // A primitive and its arguments; only the data pointers change from call to call.
  struct Call {
    CallShape shape;
    dnnl::matmul primitive;
    std::unordered_map<int, Memory> args;
    std::size_t scratch_bytes = 0;
  };

  std::int64_t k = 0;
  std::int64_t n = 0;
  MemoryDesc weight_desc;
  Tensor weight;  // in the blocked layout of weight_desc
  Tensor bias;    // [n], or empty
  dnnl::stream stream{cpu_engine()};
  std::list<Call> calls;  // most recently used first

  void pack(const TensorView& from, WeightLayout layout);
  Call make_call(const CallShape& shape);
  Call& call_for(const CallShape& shape);
  void run(const Rows<const float>& x, const Rows<float>& y);
};

void Linear::Impl::pack(const TensorView& from, WeightLayout layout) {
  const bool transposed = layout == WeightLayout::out_in;
  const Memory::dims strides =
      transposed ? Memory::dims{1, from.stride(0)} : Memory::dims{from.stride(0), 1};
  const MemoryDesc plain({k, n}, kF32, strides);
  const MemoryDesc any({k, n}, kF32, Memory::format_tag::any);
  weight_desc = describe({kLayoutRows, k, n, threads()}, any, bool(bias)).weights_desc();
  weight = Tensor(DType::u8, {static_cast<std::int64_t>(weight_desc.get_size())});
  // oneDNN takes non-const handles even for what it only reads.
  Memory source(plain, cpu_engine(), const_cast<void*>(from.data()));
  Memory packed(weight_desc, cpu_engine(), weight.view().data());
  dnnl::reorder(source, packed).execute(stream, source, packed);
  stream.wait();
}

Linear::Impl::Call Linear::Impl::make_call(const CallShape& shape) {
  const dnnl::engine& engine = cpu_engine();
  const auto made = describe(shape, weight_desc, bool(bias));
  Call call{shape, dnnl::matmul(made), {}, made.scratchpad_desc().get_size()};
  call.args = {{DNNL_ARG_SRC, Memory(made.src_desc(), engine, nullptr)},
               {DNNL_ARG_WEIGHTS, Memory(weight_desc, engine, weight.view().data())},
               {DNNL_ARG_DST, Memory(made.dst_desc(), engine, nullptr)},
               {DNNL_ARG_SCRATCHPAD, Memory(made.scratchpad_desc(), engine, nullptr)}};
  if (bias) call.args.emplace(DNNL_ARG_BIAS, Memory(made.bias_desc(), engine, bias.view().data()));
  return call;
}

Linear::Impl::Call& Linear::Impl::call_for(const CallShape& shape) {
  const auto found =
      std::find_if(calls.begin(), calls.end(), [&](const Call& c) { return c.shape == shape; });
  if (found != calls.end()) {
    calls.splice(calls.begin(), calls, found);
    return calls.front();
  }
  calls.push_front(make_call(shape));
  if (calls.size() > kPrimitivesKept) calls.pop_back();
  return calls.front();
}

void Linear::Impl::run(const Rows<const float>& x, const Rows<float>& y) {
  use_threads_here();
  const bool one = x.count == 1;  // whose stride means nothing, so that all of them share a call
  Call& call = call_for({x.count, one ? k : x.stride, one ? n : y.stride, threads()});
  call.args.at(DNNL_ARG_SRC).set_data_handle(const_cast<float*>(x.data));
  call.args.at(DNNL_ARG_DST).set_data_handle(y.data);
  call.args.at(DNNL_ARG_SCRATCHPAD).set_data_handle(scratchpad(call.scratch_bytes));
  call.primitive.execute(stream, call.args);
  stream.wait();
}

Linear::Linear() = default;
Linear::~Linear() = default;
Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;

Linear::Linear(TensorView weight, WeightLayout layout, TensorView bias) {
  const bool transposed = layout == WeightLayout::out_in;
  const std::int64_t n = weight.rank() == 2 ? weight.dim(transposed ? 0 : 1) : 0;
  check_weight(weight, bias, n);
  auto impl = std::make_unique<Impl>();
  impl->k = weight.dim(transposed ? 1 : 0);
  impl->n = n;
  if (bias) impl->bias = to_f32(bias);
  use_threads_here();
  guarded("pack", impl->k, impl->n, [&] {
    if (weight.dtype() == DType::f32)
      impl->pack(weight, layout);
    else
      impl->pack(widened(weight), layout);
  });
  impl_ = std::move(impl);
}

std::int64_t Linear::in_features() const {
  return impl_ ? impl_->k : 0;
}

std::int64_t Linear::out_features() const {
  return impl_ ? impl_->n : 0;
}

void Linear::apply(TensorView x, MutableTensorView y) const {
  check(impl_ != nullptr, "matmul", "this linear layer holds no weight");
  const auto in = rows_of("matmul", "x", x);
  const auto out = rows_of("matmul", "y", y);
  check(in.width == impl_->k && out.width == impl_->n && in.count == out.count, "matmul",
        "x {} and y {} do not fit weights {}: x must be [rows, {}] and y [rows, {}]", x.shape(),
        y.shape(), Shape{impl_->k, impl_->n}, impl_->k, impl_->n);
  check(in.count <= 1 || (in.stride >= in.width && out.stride >= out.width), "matmul",
        "row strides {} of x {} and {} of y {} overlap", in.stride, x.shape(), out.stride,
        y.shape());
  if (in.count == 0) return;
  guarded("multiply", impl_->k, impl_->n, [&] { impl_->run(in, out); });
}

}  // namespace headlight
