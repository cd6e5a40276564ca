// What bench_worker times: attention alone, with its gradients, and as a whole layer.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/tensor.h"

namespace headlight::bench {

/// One row of bench/compare. d_model is n_heads * head_dim.
struct Case {
  std::string kind;  ///< core, decode, core_train, layer, train
  std::int64_t batch = 1, q_len = 1, kv_len = 1;
  std::int64_t n_heads = 1, n_kv_heads = 1, head_dim = 64;
  bool causal = false;
  DType dtype = DType::f32;  ///< of every input and output: f32 or bf16

  std::int64_t d_model() const { return n_heads * head_dim; }
};

/// Inputs made, outputs allocated, weights packed: ready to be called again and again.
class Workload {
 public:
  virtual ~Workload() = default;
  virtual void run() = 0;
  /// Once, after the first run: gives back what only that one needed.
  virtual void settle() {}
  /// What the last run() left, of the case's dtype, in the order that protocol.py's peers give it:
  /// core, decode: z [B, Tq, H, D]; core_train: z, dq, dk, dv; layer: y [B, Tq, d_model];
  /// train: y, dx.
  virtual std::vector<TensorView> outputs() const = 0;
};

/// Throws Error("bench_worker", ...) on extents below 1, a kind that is not there, or a dtype that
/// a kind is not measured in.
std::unique_ptr<Workload> make_workload(const Case& c);

}  // namespace headlight::bench
