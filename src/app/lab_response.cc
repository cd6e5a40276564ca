#include "app/lab_response.h"

#include <bit>
#include <utility>

#include "app/errors.h"

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

LabResponse error_response(std::exception_ptr thrown) {
  const Failure failure = describe(thrown);
  LabResponse response =
      json_response({{"error", {{"op", failure.op}, {"message", failure.message}}}});
  response.status = failure.http_status;
  return response;
}

LabResponse method_refused(std::string_view path, std::string allowed) {
  const RequestError error(405, "http",
                           fmt::format("{} answers {} alone", printable(path, 200), allowed));
  LabResponse response = error_response(std::make_exception_ptr(error));
  response.allow = std::move(allowed);
  return response;
}

Json json_of(const LabResponse& response, std::string_view op) {
  Json json = Json::parse(response.body);
  if (response.status != 200)
    throw RequestError(response.status, op, json["error"]["message"].get<std::string>());
  return json;
}

}  // namespace headlight::app
