// The HTTP API (docs/http-api.md) without HTTP: requests in, answers out.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/byte_lru.h"
#include "app/compute_queue.h"
#include "app/lab_request.h"
#include "app/lab_response.h"
#include "app/loaded_model.h"
#include "app/trainings.h"
#include "inspect/long_trace.h"
#include "inspect/trace.h"

namespace headlight::app {

struct ExportAgainst;

struct LabOptions {
  std::optional<ModelFolder> default_model;  ///< nothing: the page opens the worked example
  std::string kernel;                        ///< forced attention kernel, or empty
  std::size_t most_waiting = 128;            ///< requests that may wait for the one that computes
  std::size_t trace_bytes = std::size_t{512} << 20;  ///< traces kept, least recently used go
  std::size_t model_bytes = std::size_t{4} << 30;    ///< models kept loaded, the same way
  std::size_t long_bytes = std::size_t{7} << 28;     ///< long traces, of which one is always kept
};

/// The answer to a failure: its status and {"error": {"op", "message"}}.
LabResponse error_response(std::exception_ptr thrown);
/// The JSON of an answer. Throws the error that it reports, as one of `op`.
Json json_of(const LabResponse& response, std::string_view op);

/// Answers requests from any number of threads; all compute runs on its queue.
class Lab {
 public:
  /// Throws when the default model is damaged.
  explicit Lab(LabOptions options);

  /// Never throws for a bad request; it answers it.
  LabResponse answer(const LabRequest& request);
  /// Refuses what is waiting and what comes, so that the server can end.
  void close() {
    queue_.close();
    trainings_.close();
  }
  /// The reader of the event stream that a GET asks for; null when it asks for something else.
  /// Throws RequestError.
  std::unique_ptr<EventReader> read_events(const LabRequest& request);

 private:
  struct KeptTrace {
    ModelInfo info;
    Trace trace;
    bool gated = false;              ///< some head was not fully open
    std::optional<HeadGates> gates;  ///< what it was made with
  };

  /// Grows a layer at a time; its trace is only looked at on the queue.
  struct KeptLongTrace {
    ModelInfo info;
    LongTrace trace;
  };

  LabResponse route(const LabRequest& request);
  LabResponse list_models();
  LabResponse layer_time(const LabRequest& request);
  LabResponse abilities(const LabRequest& request);
  LabResponse emergence(const LabRequest& request);
  LabResponse post_trace(const LabRequest& request);
  LabResponse post_long_trace(const TraceRequest& asked);
  LabResponse post_ablation(const LabRequest& request);
  LabResponse answer_trace(const LabRequest& request, std::string_view id, std::string_view part);
  /// Side B of a comparison that is to be exported, where the request names one.
  std::optional<ExportAgainst> export_against(const LabRequest& request);
  LabResponse answer_long_trace(const LabRequest& request, std::string_view id,
                                std::string_view part, KeptLongTrace& kept);
  LabResponse rows(const LabRequest& request, const KeptTrace& kept);
  LabResponse pattern(const LabRequest& request, const KeptTrace& kept);
  LabResponse overview(const LabRequest& request, const KeptTrace& kept);
  LabResponse concat(const LabRequest& request, const KeptTrace& kept);
  LabResponse columns(const LabRequest& request, const KeptTrace& kept);
  LabResponse value_norms(const LabRequest& request, const KeptTrace& kept);
  LabResponse predictions(const LabRequest& request, const KeptTrace& kept);
  LabResponse values(const LabRequest& request, const KeptTrace& kept);
  LabResponse w_o(const LabRequest& request, const KeptTrace& kept);

  /// The sound models that can be named, the default first.
  std::vector<ModelInfo> known_models();
  /// Throws RequestError (404) when the trace is not kept (any more).
  std::shared_ptr<const KeptTrace> kept_trace(std::string_view id);
  ModelFolder find_model(const std::string& name);
  /// The sound model that the parameter "model" names; without it the default one. Throws
  /// RequestError (404) when there is none.
  ModelInfo asked_model(const LabRequest& request);
  std::shared_ptr<LoadedModel> loaded(const ModelFolder& model);
  std::string new_trace_id();

  LabOptions options_;
  std::mutex survey_mutex_;
  std::map<std::string, ModelInfo> surveyed_;  // by folder; guarded by survey_mutex_
  ByteLru<const KeptTrace> traces_;
  ByteLru<KeptLongTrace> long_traces_;
  ByteLru<LoadedModel> models_;
  std::atomic<std::uint64_t> next_trace_{1};
  std::string id_prefix_;
  Trainings trainings_;
  ComputeQueue queue_;  // last: its thread ends before what it uses goes
};

}  // namespace headlight::app
