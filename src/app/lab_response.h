// Answers of the lab: JSON, or a tensor.
#pragma once

#include <span>
#include <string>

#include "core/shape.h"
#include "io/json.h"

namespace headlight::app {

struct LabResponse {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::string shape;      ///< for the header X-Shape; empty: none
  std::string rows_read;  ///< for the header X-Rows-Read; empty: none
};

LabResponse json_response(const Json& json);
/// Little-endian fp32 with its shape.
LabResponse tensor_response(std::span<const float> values, const Shape& shape);

}  // namespace headlight::app
