// Runs one ONNX node test on Headlight's kernels.
#pragma once

#include <filesystem>

namespace headlight::onnx {

/// Throws Error when `folder` holds no case that can be read, an operator or attribute that is not
/// supported, or an output that differs from the expected one.
void run_case(const std::filesystem::path& folder);

}  // namespace headlight::onnx
