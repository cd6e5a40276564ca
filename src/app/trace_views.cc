#include "app/trace_views.h"

#include <algorithm>
#include <string>
#include <vector>

#include "app/errors.h"
#include "app/json_view.h"
#include "app/parse.h"
#include "app/predictions_view.h"
#include "app/rows_json.h"
#include "app/statistics_view.h"
#include "inspect/columns.h"

namespace headlight::app {
namespace {

constexpr std::int64_t kMostPatternBytes = std::int64_t{256} << 20;
constexpr std::int64_t kMostThumbnail = 64;
constexpr std::int64_t kMostPredictions = 100;

/// Seconds of one core, roughly and rather too many.
constexpr double kPerProduct = 2e-10;  // a multiplication and addition of something small
constexpr double kPerNumber = 2.5e-7;  // computed, turned into JSON and printed
constexpr double kPerToken = 2e-6;     // of a trace, as JSON

template <class... Counts>
double product(Counts... counts) {
  return (static_cast<double>(counts) * ... * 1.0);
}

std::int64_t layer_of(const LabRequest& request, const KeptTrace& kept) {
  return index_parameter(request, "layer", kept.trace().config.n_layers);
}

std::int64_t head_of(const LabRequest& request, const KeptTrace& kept) {
  return index_parameter(request, "head", kept.trace().config.n_heads);
}

std::int64_t token_of(const LabRequest& request, std::string_view name, const KeptTrace& kept) {
  return index_parameter(request, name, kept.trace().length());
}

LabResponse tensor_response(const Tensor& tensor) {
  return app::tensor_response(tensor.span<float>(), tensor.shape());
}

/// What the rows of the patterns of `heads` heads take.
double seconds_of_rows(const Trace& trace, std::int64_t heads, std::int64_t rows) {
  return kPerProduct * product(heads, rows, trace.length(), trace.config.head_dim);
}

}  // namespace

ViewWork trace_view(const LabRequest&, std::string_view id, const KeptTrace& kept) {
  return {.seconds = kPerToken * product(kept.trace().length()),
          .compute = [id, &kept](const LoadedModel*) {
            return json_response(json_trace(id, kept.info, kept.trace()));
          }};
}

ViewWork rows_view(const LabRequest& request, std::string_view, const KeptTrace& kept) {
  const Trace& trace = kept.trace();
  const std::int64_t layer = layer_of(request, kept), query = token_of(request, "query", kept);
  const std::int64_t n_heads = trace.config.n_heads;
  return {.seconds = seconds_of_rows(trace, n_heads, 1) +
                     kPerNumber * product(n_heads + 2, trace.length()),
          .compute = [&trace, layer, query](const LoadedModel*) {
            LabResponse response;
            response.body = rows_json(trace, layer, query);
            return response;
          }};
}

ViewWork pattern_view(const LabRequest& request, std::string_view, const KeptTrace& kept) {
  const Trace& trace = kept.trace();
  const std::int64_t layer = layer_of(request, kept), head = head_of(request, kept);
  const auto it = request.query.find("rows");
  const std::string wanted = it == request.query.end() ? ":" : it->second;
  const auto range = parse_rows(wanted, trace.length());
  check_request(range.has_value(), "request",
                "rows \"{}\" are not in the trace; write a:b with 0 <= a < b <= {}",
                printable(wanted, 40), trace.length());
  const std::int64_t most = std::max<std::int64_t>(1, kMostPatternBytes / 4 / trace.length());
  check_request(range->end - range->begin <= most, "request",
                "{} rows are more than the {} that one answer may hold; ask for fewer",
                range->end - range->begin, most);
  return {.seconds = seconds_of_rows(trace, 1, range->end - range->begin),
          .compute = [&trace, layer, head, rows = *range](const LoadedModel*) {
            return tensor_response(pattern_rows(trace, layer, head, rows.begin, rows.end));
          }};
}

ViewWork overview_view(const LabRequest& request, std::string_view, const KeptTrace& kept) {
  const Trace& trace = kept.trace();
  const std::int64_t wanted = request.query.contains("size")
                                  ? integer_parameter(request, "size", 1, kMostThumbnail)
                                  : kMostThumbnail;
  const std::int64_t size = std::min(wanted, trace.length());
  const ModelConfig& c = trace.config;
  return {.seconds = seconds_of_rows(trace, c.n_layers * c.n_heads, trace.length()),
          .compute = [&trace, &c, size](const LoadedModel*) {
            std::vector<float> cells;
            for (std::int64_t l = 0; l < c.n_layers; ++l)
              for (std::int64_t h = 0; h < c.n_heads; ++h) {
                const Tensor thumbnail = pattern_thumbnail(trace, l, h, size);
                const auto values = thumbnail.span<float>();
                cells.insert(cells.end(), values.begin(), values.end());
              }
            return app::tensor_response(cells, {c.n_layers, c.n_heads, size, size});
          }};
}

ViewWork statistics_view(const LabRequest&, std::string_view, const KeptTrace& kept) {
  return {.compute = [&kept](const LoadedModel*) {
    return json_response(json_statistics(kept.trace()));
  }};
}

ViewWork columns_view(const LabRequest& request, std::string_view, const KeptTrace& kept) {
  const Trace& trace = kept.trace();
  const std::int64_t layer = layer_of(request, kept), key = token_of(request, "key", kept);
  return {.seconds = seconds_of_rows(trace, trace.config.n_heads, trace.length()),
          .compute = [&trace, layer, key](const LoadedModel*) {
            return tensor_response(pattern_columns(trace, layer, key));
          }};
}

ViewWork value_norms_view(const LabRequest& request, std::string_view, const KeptTrace& kept) {
  const Trace& trace = kept.trace();
  const ModelConfig& c = trace.config;
  const std::int64_t layer = layer_of(request, kept);
  return {.seconds = kPerProduct * product(trace.length(), c.n_heads, c.head_dim, c.d_model),
          .needs_model = true,
          .compute = [&trace, layer](const LoadedModel* model) {
            return tensor_response(value_norms(model->transformer, trace, layer));
          }};
}

ViewWork concat_view(const LabRequest& request, std::string_view, const KeptTrace& kept) {
  const Trace& trace = kept.trace();
  const ModelConfig& c = trace.config;
  const std::int64_t layer = layer_of(request, kept), query = token_of(request, "query", kept);
  return {.seconds = kPerProduct * product(trace.length(), c.n_heads, c.head_dim, c.d_model) +
                     kPerNumber *
                         (product(c.n_heads, c.head_dim + c.d_model) + product(3, trace.length())),
          .needs_model = true,
          .compute = [&trace, layer, query](const LoadedModel* model) {
            return json_response(json_concat(model->transformer, trace, layer, query));
          }};
}

ViewWork predictions_view(const LabRequest& request, std::string_view, const KeptTrace& kept) {
  const std::int64_t query = token_of(request, "query", kept);
  const std::int64_t most =
      request.query.contains("top") ? integer_parameter(request, "top", 1, kMostPredictions) : 10;
  return {.needs_model = true, .compute = [&kept, query, most](const LoadedModel* model) {
            return json_response(
                json_predictions(*model, kept.run, query, static_cast<std::size_t>(most)));
          }};
}

ViewWork values_view(const LabRequest& request, std::string_view, const KeptTrace& kept) {
  const ModelConfig& c = kept.trace().config;
  const std::int64_t layer = layer_of(request, kept), head = head_of(request, kept);
  const std::int64_t length = kept.trace().length();
  return {.seconds = kPerProduct * product(length, c.head_dim),
          .compute = [&kept, &c, layer, head, length](const LoadedModel*) {
            const std::int64_t kv_head = head * c.n_kv_heads / c.n_heads;
            const auto v = kept.trace().layers[static_cast<std::size_t>(layer)].v.span<float>();
            std::vector<float> rows;
            for (std::int64_t j = 0; j < length; ++j) {
              const auto from = v.begin() + (j * c.n_kv_heads + kv_head) * c.head_dim;
              rows.insert(rows.end(), from, from + c.head_dim);
            }
            return app::tensor_response(rows, {length, c.head_dim});
          }};
}

ViewWork w_o_view(const LabRequest& request, std::string_view, const KeptTrace& kept) {
  const ModelConfig& c = kept.trace().config;
  const std::int64_t layer = layer_of(request, kept), head = head_of(request, kept);
  return {.seconds = kPerProduct * product(c.head_dim, c.d_model),
          .needs_model = true,
          .compute = [&c, layer, head](const LoadedModel* model) {
            const auto size = static_cast<std::size_t>(c.head_dim * c.d_model);
            const float* block =
                model->transformer.w_o(layer).as<float>() + head * c.head_dim * c.d_model;
            return app::tensor_response({block, size}, {c.head_dim, c.d_model});
          }};
}

}  // namespace headlight::app
