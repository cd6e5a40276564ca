// The HTTP API (docs/http-api.md) without HTTP: requests in, answers out.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "app/byte_lru.h"
#include "app/compute_queue.h"
#include "app/lab_request.h"
#include "app/lab_response.h"
#include "app/model_shelf.h"
#include "app/trace_views.h"
#include "app/trainings.h"
#include "inspect/long_trace.h"

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

/// Answers requests from any number of threads; all compute but what is small runs on its queue.
class Lab {
 public:
  /// Throws when the default model is damaged.
  explicit Lab(LabOptions options);

  /// Never throws for a bad request; it answers it.
  LabResponse answer(const LabRequest& request);
  /// The same answer where it takes about a millisecond at most and waits for nobody; else nothing.
  std::optional<LabResponse> answer_at_once(const LabRequest& request);
  /// Refuses what is waiting and what comes, so that the server can end.
  void close() {
    queue_.close();
    trainings_.close();
  }
  /// The reader of the event stream that a GET asks for; null when it asks for something else.
  /// Throws RequestError.
  std::unique_ptr<EventReader> read_events(const LabRequest& request);

 private:
  /// Grows a layer at a time; its trace is only looked at on the queue.
  struct KeptLongTrace {
    ModelInfo info;
    LongTrace trace;
  };
  struct Call;
  /// A call, and what stands for {id} in the path that asks for it.
  struct Asked {
    const Call* call;
    std::string_view id;
  };
  using Answer = LabResponse (Lab::*)(const LabRequest& request, std::string_view id);

  /// All that are answered. The one list of them.
  static std::span<const Call> calls();
  /// Throws RequestError (404) when there is nothing at the path; no call when it is there, but not
  /// for this method.
  static Asked find_call(const LabRequest& request);
  static std::string methods_at(std::string_view path);

  LabResponse health(const LabRequest& request, std::string_view);
  LabResponse openapi(const LabRequest& request, std::string_view);
  LabResponse models(const LabRequest& request, std::string_view);
  LabResponse layer_time(const LabRequest& request, std::string_view);
  LabResponse abilities(const LabRequest& request, std::string_view);
  LabResponse emergence(const LabRequest& request, std::string_view);
  LabResponse post_trace(const LabRequest& request, std::string_view);
  LabResponse post_ablation(const LabRequest& request, std::string_view);
  LabResponse trainings(const LabRequest& request, std::string_view);
  LabResponse record(const LabRequest& request, std::string_view id);
  LabResponse long_part(const LabRequest& request, std::string_view id);
  LabResponse export_trace(const LabRequest& request, std::string_view id);
  LabResponse answer_view(TraceView view, const LabRequest& request, std::string_view id);

  /// The answer to a body that was posted before, while its trace is kept: a class opens the same
  /// sentence, and a run of it is always the same.
  std::optional<LabResponse> same_as_before(const std::string& body);
  std::shared_ptr<KeptTrace> make_trace(const ModelFolder& folder, const TraceRequest& asked);
  LabResponse post_long_trace(const TraceRequest& asked);
  /// Side B of a comparison that is to be exported, where the request names one.
  std::optional<ExportAgainst> export_against(const LabRequest& request);
  /// Throws RequestError (404) when the trace is not kept (any more).
  std::shared_ptr<const KeptTrace> kept_trace(std::string_view id);
  std::string new_trace_id();

  LabOptions options_;
  ModelShelf models_;
  ByteLru<const KeptTrace> traces_;
  ByteLru<const std::string> posted_;  // the ids of traces_ by the body that asked for them
  ByteLru<KeptLongTrace> long_traces_;
  std::atomic<std::uint64_t> next_trace_{1};
  std::string id_prefix_;
  Trainings trainings_;
  ComputeQueue queue_;  // last: its thread ends before what it uses goes
};

}  // namespace headlight::app
