// Answers of the lab: JSON, or a tensor.
#pragma once

#include <exception>
#include <span>
#include <string>
#include <string_view>

#include "core/shape.h"
#include "io/json.h"

namespace headlight::app {

struct LabResponse {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::string shape;      ///< for the header X-Shape; empty: none
  std::string rows_read;  ///< for the header X-Rows-Read; empty: none
  std::string allow;      ///< for the header Allow; empty: none
};

LabResponse json_response(const Json& json);
/// Little-endian fp32 with its shape.
LabResponse tensor_response(std::span<const float> values, const Shape& shape);
/// The answer to a failure: its status and {"error": {"op", "message"}}.
LabResponse error_response(std::exception_ptr thrown);
/// The answer to a method that is not answered at a path, with those that are: "GET, HEAD".
LabResponse method_refused(std::string_view path, std::string allowed);
/// The JSON of an answer. Throws the error that it reports, as one of `op`.
Json json_of(const LabResponse& response, std::string_view op);

}  // namespace headlight::app
