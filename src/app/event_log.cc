#include "app/event_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace headlight::app {
namespace {

constexpr std::chrono::seconds kSilence{5};  // after which a stream says that it is alive

}  // namespace

void EventLog::add(std::string_view kind, const Json& data) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    events_.push_back(fmt::format("id: {}\nevent: {}\ndata: {}\n\n", events_.size() + 1, kind,
                                  data.dump(-1, ' ', false, Json::error_handler_t::replace)));
  }
  changed_.notify_all();
}

void EventLog::end() {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_all();
}

EventLog::Batch EventLog::after(std::size_t seen, std::chrono::milliseconds patience) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, patience, [&] { return ended_ || events_.size() > seen; });
  Batch batch{{}, std::max(seen, events_.size()), ended_};
  for (std::size_t i = seen; i < events_.size(); ++i) batch.text += events_[i];
  return batch;
}

void EventLog::reader_came() {
  const std::lock_guard lock(mutex_);
  ++readers_;
}

void EventLog::reader_left() {
  const std::lock_guard lock(mutex_);
  if (--readers_ == 0) alone_since_ = Clock::now();
}

std::size_t EventLog::readers() const {
  const std::lock_guard lock(mutex_);
  return readers_;
}

std::chrono::milliseconds EventLog::unread_for() const {
  const std::lock_guard lock(mutex_);
  if (readers_ > 0) return std::chrono::milliseconds(0);
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - alone_since_);
}

EventReader::EventReader(std::shared_ptr<EventLog> log, std::size_t seen)
    : log_(std::move(log)), seen_(seen) {
  log_->reader_came();
}

EventReader::~EventReader() {
  log_->reader_left();
}

std::string EventReader::next() {
  EventLog::Batch batch = log_->after(seen_, kSilence);
  seen_ = batch.last;
  ended_ = batch.ended;
  return batch.text.empty() && !ended_ ? ": nothing new\n\n" : std::move(batch.text);
}

}  // namespace headlight::app
