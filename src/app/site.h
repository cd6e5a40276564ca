// What the lab's server answers: the page's files, and the API.
#pragma once

#include <optional>

#include "app/admission.h"
#include "app/http_request.h"
#include "app/http_response.h"
#include "app/lab.h"

namespace headlight::app {

/// Answers any number of requests at once.
class Site {
 public:
  Site(Lab& lab, Admission admission) : lab_(lab), admission_(std::move(admission)) {}

  /// Never throws for a bad request; it answers it.
  HttpResponse answer(const HttpRequest& request);
  /// The same answer where it takes next to no time and waits for nobody; else nothing.
  std::optional<HttpResponse> answer_at_once(const HttpRequest& request);

 private:
  HttpResponse answer_api(const HttpRequest& request);

  Lab& lab_;
  Admission admission_;
};

}  // namespace headlight::app
