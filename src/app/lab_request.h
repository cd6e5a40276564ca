// Requests to the lab, read and checked: what is not understood is refused, never guessed.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/ablation_view.h"
#include "app/loaded_model.h"
#include "io/json.h"

namespace headlight::app {

struct LabRequest {
  bool post = false;
  std::string path;  ///< decoded, without the query
  std::map<std::string, std::string, std::less<>> query;
  std::string body;
  bool remove = false;  ///< DELETE
};

/// The body of POST /api/v1/traces.
struct TraceRequest {
  std::string model;
  Input input;
  std::map<std::string, double> gates;  ///< by "layer.head"
  bool is_long = false;       ///< only what maps of patterns need, layer by layer; without gates
  bool past_max_len = false;  ///< may go on where the model was not trained; with is_long only
};

/// Throws RequestError (400) naming the field.
TraceRequest read_trace_request(std::string_view body);

/// The body of POST /api/v1/ablations.
struct PostedAblation {
  std::string trace;
  AblationRequest request;
};

/// Throws RequestError (400) naming the field.
PostedAblation read_ablation_request(std::string_view body);

/// Refuses a body with other keys than `known`, naming them. Throws Error.
void check_keys(const Json& json, std::initializer_list<std::string_view> known);

/// A query parameter, an integer in [least, most]. Throws RequestError (400) naming the range when
/// it is missing or something else.
std::int64_t integer_parameter(const LabRequest& request, std::string_view name, std::int64_t least,
                               std::int64_t most);
/// An integer in [0, count).
std::int64_t index_parameter(const LabRequest& request, std::string_view name, std::int64_t count);

}  // namespace headlight::app
