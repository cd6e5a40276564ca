// The list of attention kernels, and the choice among them.
#include "kernels/attention/attention.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "core/error.h"
#include "kernels/attention/decode/decode.h"
#include "kernels/attention/flash/bf16.h"
#include "kernels/attention/flash/flash.h"
#include "kernels/attention/gather.h"
#include "kernels/attention/pairs.h"
#include "kernels/attention/ref.h"
#include "kernels/target_override.h"

namespace headlight {
namespace {

constexpr std::string_view kOp = "attention";

/// The kernel asked for by name: the caller's option, else HEADLIGHT_KERNEL, else none.
std::string_view forced_name(const AttentionOptions& options) {
  if (!options.kernel.empty()) return options.kernel;
  const char* env = std::getenv("HEADLIGHT_KERNEL");
  return env ? std::string_view(env) : std::string_view();
}

const AttentionKernel& find_kernel(std::span<const AttentionKernel> kernels,
                                   std::string_view name) {
  const auto found = std::ranges::find(kernels, name, &AttentionKernel::name);
  if (found == kernels.end()) {
    std::vector<std::string_view> names;
    for (const AttentionKernel& kernel : kernels) names.push_back(kernel.name);
    fail(kOp, "there is no kernel '{}'; choose one of {}", printable(name), fmt::join(names, ", "));
  }
  return *found;
}

AttentionReport report_of(const AttentionKernel& kernel) {
  return {.kernel = kernel.name, .isa = kernel.isa(), .declined = {}};
}

}  // namespace

std::span<const AttentionKernel> attention_kernels() {
  static const AttentionKernel kernels[] = {attention_decode(), attention_flash_bf16(),
                                            attention_flash(), attention_gather(), attention_ref()};
  return kernels;
}

AttentionReport attention(std::span<const AttentionKernel> kernels, const AttentionTensors& tensors,
                          const AttentionOptions& options) {
  use_target_from_environment();
  const AttentionProblem problem = attention_problem(tensors, options);
  if (has_short_pairs(tensors)) return attention(kernels, with_four_extents(tensors), options);
  if (const std::string_view name = forced_name(options); !name.empty()) {
    const AttentionKernel& kernel = find_kernel(kernels, name);
    if (const auto reason = kernel.declines(problem))
      fail(kOp, "the kernel '{}' was asked for but declines: {}", kernel.name, *reason);
    kernel.run(problem, tensors);
    return report_of(kernel);
  }
  AttentionReport::DeclinedList declined;
  for (const AttentionKernel& kernel : kernels) {
    auto reason = kernel.declines(problem);
    if (!reason && kernel.slower) reason = kernel.slower(problem);
    if (reason) {
      declined.push_back({kernel.name, std::move(*reason)});
      continue;
    }
    kernel.run(problem, tensors);
    AttentionReport report = report_of(kernel);
    report.declined = std::move(declined);
    return report;
  }
  fail(kOp, "none of {} kernels accepts the problem", kernels.size());
}

AttentionReport attention(const AttentionTensors& tensors, const AttentionOptions& options) {
  return attention(attention_kernels(), tensors, options);
}

AttentionReport::DeclinedList::DeclinedList(std::initializer_list<Declined> items) {
  for (const Declined& item : items) push_back(item);
}

void AttentionReport::DeclinedList::push_back(Declined item) {
  check(size_ < items_.size(), kOp, "more than {} kernels declined", items_.size());
  items_[size_++] = std::move(item);
}

std::string to_string(const AttentionReport& report) {
  std::string text = fmt::format("ran {}/{}", report.kernel, report.isa);
  for (const auto& [kernel, reason] : report.declined)
    text += fmt::format("; {} declined: {}", kernel, reason);
  return text;
}

}  // namespace headlight
