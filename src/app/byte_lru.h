// A map that forgets what was used longest ago once its values take too many bytes.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace headlight::app {

/// Safe to use from several threads. Values are shared: one that is forgotten lives on while
/// somebody uses it. Few entries are expected, so that a list does.
template <class Value>
class ByteLru {
 public:
  explicit ByteLru(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  /// The newest value is kept even when it alone is too large.
  void put(std::string key, std::shared_ptr<Value> value, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    entries_.push_front({std::move(key), std::move(value), bytes});
    total_ += bytes;
    while (total_ > most_bytes_ && entries_.size() > 1) {
      total_ -= entries_.back().bytes;
      entries_.pop_back();
    }
  }

  /// Null when the key is not (or no longer) there.
  std::shared_ptr<Value> get(std::string_view key) {
    const std::lock_guard lock(mutex_);
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (it->key != key) continue;
      entries_.splice(entries_.begin(), entries_, it);
      return entries_.front().value;
    }
    return nullptr;
  }

 private:
  struct Entry {
    std::string key;
    std::shared_ptr<Value> value;
    std::size_t bytes;
  };
  std::size_t most_bytes_;
  std::size_t total_ = 0;
  std::mutex mutex_;
  std::list<Entry> entries_;  // the latest used first
};

}  // namespace headlight::app
