// ONNX's TensorProto as a value.
#pragma once

#include <filesystem>

#include "conformance/onnx_case.h"
#include "onnx_subset.pb.h"

namespace headlight::onnx {

/// The tensor that `proto` holds, or points to in a file in `folder`. Throws Error("onnx", ...)
/// when the data does not fit the shape, or no op here takes its element type.
Value to_value(const TensorProto& proto, const std::filesystem::path& folder);

}  // namespace headlight::onnx
