// The trainable parameters of a model in one piece of memory, laid out from the list that loading
// reads (model/tensor_list.h): what is saved is what a Transformer loads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/folder.h"
#include "core/tensor.h"
#include "model/config.h"
#include "model/tensor_list.h"

namespace headlight {

/// One parameter tensor and its place.
struct ParameterSpec {
  std::string name;  ///< as the checkpoint spells it, the family's usual prefix included
  Slot slot = Slot::unused;
  std::int64_t layer = -1;  ///< -1 outside the blocks
  Shape shape;
  std::int64_t offset = 0;  ///< in floats
  bool decays = false;      ///< matrices do under weight decay, biases and norms do not
};

/// Where every parameter lies. Weights of q, k and v lie beside each other, and so do their biases:
/// one product gives all three.
class ParameterLayout {
 public:
  /// All tensors that the configuration requires; optional ones are not trained.
  explicit ParameterLayout(const ModelConfig& config);

  const ModelConfig& config() const { return config_; }
  const std::vector<ParameterSpec>& specs() const { return specs_; }
  /// Null when the model has no such tensor.
  const ParameterSpec* find(Slot slot, std::int64_t layer = -1) const;
  std::int64_t n_parameters() const;
  /// Zeros for every parameter, and a little padding between tensors: for values, gradients,
  /// moments.
  Tensor make_store() const { return Tensor({size_}); }
  /// One tensor of a store.
  MutableTensorView view(Tensor& store, const ParameterSpec& spec) const;
  TensorView view(const Tensor& store, const ParameterSpec& spec) const;

 private:
  void place(const TensorSpec& spec, std::int64_t layer, bool aligned);

  ModelConfig config_;
  std::vector<ParameterSpec> specs_;
  std::int64_t size_ = 0;
};

/// Sets initial values: matrices from N(0, deviation^2), those that write into the residual stream
/// of a pre-norm model from one smaller by sqrt(2 n_layers) (GPT-2, section 2.3), learned positions
/// to waves of that mean square, norm weights 1, biases 0. A function of the seed alone.
void initialise(const ParameterLayout& layout, std::uint64_t seed, float deviation, Tensor& store);

/// Reads the values from a model folder's safetensors. Throws on a missing tensor or another shape.
void read_parameters(const ParameterLayout& layout, const Folder& folder, Tensor& store);
/// Writes model.safetensors into an existing folder, atomically.
void write_parameters(const ParameterLayout& layout, const Tensor& store,
                      const std::filesystem::path& folder);

}  // namespace headlight
