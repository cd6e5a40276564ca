// A call of the HTTP API: who answers it.
#pragma once

#include <string_view>

#include "app/lab.h"

namespace headlight::app {

struct Lab::Call {
  constexpr Call(std::string_view m, std::string_view p, Answer a, bool soon = false)
      : method(m), path(p), answer(a), at_once(soon) {}
  constexpr Call(std::string_view m, std::string_view p, TraceView v)
      : method(m), path(p), view(v) {}

  std::string_view method;   ///< "GET", which answers HEAD as well, "POST" or "DELETE"
  std::string_view path;     ///< with {id} for what names a trace or a training
  Answer answer = nullptr;   ///< nothing: it is a view
  bool at_once = false;      ///< takes next to no time and waits for nobody
  TraceView view = nullptr;  ///< of a trace that keeps everything
};

}  // namespace headlight::app
