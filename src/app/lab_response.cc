#include "app/lab_response.h"

#include <bit>

namespace headlight::app {

LabResponse json_response(const Json& json) {
  LabResponse response;
  response.body = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return response;
}

LabResponse tensor_response(std::span<const float> values, const Shape& shape) {
  static_assert(std::endian::native == std::endian::little, "the API's tensors are little-endian");
  LabResponse response;
  response.type = "application/octet-stream";
  response.body.assign(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  for (std::int64_t dim : shape) {
    if (!response.shape.empty()) response.shape += ',';
    response.shape += std::to_string(dim);
  }
  return response;
}

}  // namespace headlight::app
