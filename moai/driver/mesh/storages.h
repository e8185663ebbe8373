// Storages: what a job's storages hold and where on the mesh they lie.
//
// What was uploaded waits here until a window says where it should lie, or somebody wants it.
// Plain state; not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "moai/compiler/distribute.h"

namespace moai::driver {

using graph::StorageId;

class Storages {
 public:
  struct Entry {
    compiler::StorageState state{};
    std::string held{};  // its bytes, while state.free
  };

  // Null: nothing is known of it; it lies whole on every rank, or does not exist yet.
  Entry* find(StorageId id) {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second;
  }
  const compiler::StorageState* state(StorageId id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second.state;
  }
  // Is made anew, on all ranks.
  void made(StorageId id, uint64_t bytes) { entries_[id] = {.state = {.bytes = bytes}}; }
  void hold(StorageId id, std::string bytes) {
    held_bytes_ += bytes.size();
    const uint64_t size = bytes.size();
    entries_[id] = {.state = {.bytes = size, .free = true}, .held = std::move(bytes)};
  }
  // The bytes are on their way to the ranks now.
  std::string release(StorageId id) {
    Entry& e = entries_.at(id);
    held_bytes_ -= e.held.size();
    e.state.free = false;
    return std::exchange(e.held, {});
  }
  // False when it was on no rank.
  bool forget(StorageId id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return true;
    const bool was_free = found->second.state.free;
    held_bytes_ -= found->second.held.size();
    entries_.erase(found);
    return !was_free;
  }
  uint64_t held_bytes() const { return held_bytes_; }
  template <class Each>
  void each(const Each& each) const {
    for (const auto& [id, e] : entries_) each(id, e.state);
  }
  std::vector<StorageId> held() const {
    std::vector<StorageId> ids;
    for (const auto& [id, e] : entries_) {
      if (e.state.free) ids.push_back(id);
    }
    return ids;
  }

 private:
  std::unordered_map<StorageId, Entry> entries_;
  uint64_t held_bytes_ = 0;
};

}  // namespace moai::driver
