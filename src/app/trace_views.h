// What the lab tells of a trace that keeps everything: docs/http-api.md.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "app/lab_request.h"
#include "app/lab_response.h"
#include "app/loaded_model.h"
#include "inspect/ablation.h"

namespace headlight::app {

/// A run over one text, and what it was made with.
struct KeptTrace {
  KeptTrace(ModelInfo model, HeadGates with) : info(std::move(model)), gates(std::move(with)) {}

  ModelInfo info;
  HeadGates gates;
  ModelRun run = {};

  const Trace& trace() const { return run.trace; }
  bool gated() const { return !gates.all_open(); }
};

/// A view with its parameters read and checked, which waits to be computed.
struct ViewWork {
  static constexpr double kNotSmall = std::numeric_limits<double>::infinity();

  /// About how long it takes one core.
  double seconds = kNotSmall;
  bool needs_model = false;  ///< else the model is not looked at, and may be null
  std::function<LabResponse(const LoadedModel*)> compute;
};

/// Reads and checks the parameters. The work refers to the trace. Throws RequestError (400) naming
/// the parameter and its range.
using TraceView = ViewWork (*)(const LabRequest& request, std::string_view id,
                               const KeptTrace& kept);

ViewWork trace_view(const LabRequest& request, std::string_view id, const KeptTrace& kept);
ViewWork rows_view(const LabRequest& request, std::string_view id, const KeptTrace& kept);
ViewWork pattern_view(const LabRequest& request, std::string_view id, const KeptTrace& kept);
ViewWork overview_view(const LabRequest& request, std::string_view id, const KeptTrace& kept);
ViewWork statistics_view(const LabRequest& request, std::string_view id, const KeptTrace& kept);
ViewWork columns_view(const LabRequest& request, std::string_view id, const KeptTrace& kept);
ViewWork value_norms_view(const LabRequest& request, std::string_view id, const KeptTrace& kept);
ViewWork concat_view(const LabRequest& request, std::string_view id, const KeptTrace& kept);
ViewWork predictions_view(const LabRequest& request, std::string_view id, const KeptTrace& kept);
ViewWork values_view(const LabRequest& request, std::string_view id, const KeptTrace& kept);
ViewWork w_o_view(const LabRequest& request, std::string_view id, const KeptTrace& kept);

}  // namespace headlight::app
