// The comparison that holds kernels to the reference, turned on kernels that are wrong on purpose.
#include <gtest/gtest.h>

#include "kernels/attention/ref.h"
#include "kernels/attention/test_support.h"

namespace headlight {
namespace {

using testing::AttentionCase;
using testing::AttentionData;

/// The reference run on a problem spoiled by `Spoil`.
template <void (*Spoil)(AttentionProblem&, AttentionTensors&)>
AttentionKernel wrong_kernel() {
  AttentionKernel kernel = attention_ref();
  kernel.name = "wrong";
  kernel.run = [](const AttentionProblem& problem, const AttentionTensors& tensors) {
    AttentionProblem p = problem;
    AttentionTensors t = tensors;
    Spoil(p, t);
    attention_ref().run(p, t);
  };
  return kernel;
}

void no_change(AttentionProblem&, AttentionTensors&) {}
void forget_scale(AttentionProblem& p, AttentionTensors&) {
  p.scale = 1;
}
void forget_softcap(AttentionProblem& p, AttentionTensors&) {
  p.softcap = 0;
}
void see_one_key_ahead(AttentionProblem& p, AttentionTensors&) {
  p.causal = Causal::none;
  p.window.right = 1;
}
void align_top_left(AttentionProblem& p, AttentionTensors&) {
  p.causal = Causal::top_left;
}
void skip_last_keys(AttentionProblem& p, AttentionTensors&) {
  p.kv_len = p.kv_len / 16 * 16;
}
void forget_mask(AttentionProblem&, AttentionTensors& t) {
  t.mask = {};
}
void forget_bias(AttentionProblem&, AttentionTensors& t) {
  t.bias = {};
}
void forget_alibi(AttentionProblem&, AttentionTensors& t) {
  t.alibi_slopes = {};
}
void forget_sinks(AttentionProblem&, AttentionTensors& t) {
  t.sinks = {};
}
void forget_gate(AttentionProblem&, AttentionTensors& t) {
  t.head_gate = {};
}
void read_another_kv_head(AttentionProblem&, AttentionTensors& t) {
  Shape strides = t.k.strides();
  const auto* last = t.k.as<float>() + (t.k.dim(2) - 1) * t.k.stride(2);
  strides[2] = -strides[2];
  t.k = TensorView(last, t.k.shape(), strides);
}

const AttentionCase kPlain{
    .q_len = 35, .kv_len = 45, .n_heads = 4, .n_kv_heads = 2, .head_dim = 16, .head_dim_v = 16};

AttentionCase with(Extra extra) {
  AttentionCase c = kPlain;
  c.extras = static_cast<std::uint8_t>(extra);
  return c;
}

AttentionCase causal_case() {
  AttentionCase c = kPlain;
  c.causal = Causal::bottom_right;
  return c;
}

AttentionCase softcap_case() {
  AttentionCase c = kPlain;
  c.softcap = 5;
  return c;
}

template <void (*Spoil)(AttentionProblem&, AttentionTensors&)>
::testing::AssertionResult verdict(const AttentionCase& c) {
  return testing::kernel_agrees(wrong_kernel<Spoil>(), AttentionData(c));
}

TEST(WrongAttentionKernel, TheUnspoiledOnePasses) {
  for (const AttentionCase& c : {kPlain, causal_case(), softcap_case()})
    EXPECT_TRUE(verdict<no_change>(c));
}

TEST(WrongAttentionKernel, IsCaught) {
  EXPECT_FALSE(verdict<forget_scale>(kPlain));
  EXPECT_FALSE(verdict<skip_last_keys>(kPlain));
  EXPECT_FALSE(verdict<read_another_kv_head>(kPlain));
  EXPECT_FALSE(verdict<see_one_key_ahead>(causal_case()));
  EXPECT_FALSE(verdict<align_top_left>(causal_case()));
  EXPECT_FALSE(verdict<forget_softcap>(softcap_case()));
  EXPECT_FALSE(verdict<forget_mask>(with(Extra::mask)));
  EXPECT_FALSE(verdict<forget_bias>(with(Extra::bias)));
  EXPECT_FALSE(verdict<forget_alibi>(with(Extra::alibi)));
  EXPECT_FALSE(verdict<forget_sinks>(with(Extra::sinks)));
  EXPECT_FALSE(verdict<forget_gate>(with(Extra::head_gate)));
}

}  // namespace
}  // namespace headlight
