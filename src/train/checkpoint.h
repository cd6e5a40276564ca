// What a run must keep to go on exactly where it was. The random numbers are functions of seed and
// step, so the step is all that there is to keep of them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "core/tensor.h"
#include "train/optimizer.h"

namespace headlight {

/// The file in a run's folder.
inline constexpr std::string_view kCheckpointFile = "checkpoint.safetensors";

/// Writes values and moments, atomically: a reader finds the old file or the whole new one.
/// `fingerprint` names the run (settings and data), `steps` how many are done.
void write_checkpoint(const std::filesystem::path& path, std::string_view fingerprint,
                      std::int64_t steps, const Tensor& values, const AdamW& optimizer);
/// Reads it back and returns the steps that are done. Throws when it belongs to another run, or is
/// damaged.
std::int64_t read_checkpoint(const std::filesystem::path& path, std::string_view fingerprint,
                             Tensor& values, AdamW& optimizer);
/// Removes the temporary files that a killed run left in its folder.
void remove_unfinished(const std::filesystem::path& folder);

}  // namespace headlight
