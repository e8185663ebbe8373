// A Listener whose links are made within the process.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>

#include "moai/comm/link/memory.h"

namespace moai::worker {

// Shared by a test, which connects, and the Worker, which owns a MemoryListener over it.
struct Door {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<std::unique_ptr<comm::Link>> waiting;  // guarded by mutex
  bool closed = false;                              // guarded by mutex

  std::unique_ptr<comm::Link> connect() {
    auto [here, there] = comm::memory_link_pair();
    std::lock_guard lock(mutex);
    waiting.push_back(std::move(there));
    changed.notify_all();
    return std::move(here);
  }
};

class MemoryListener final : public comm::Listener {
 public:
  explicit MemoryListener(std::shared_ptr<Door> door) : door_(std::move(door)) {}
  ~MemoryListener() override { close(); }

  Result<std::unique_ptr<comm::Link>> accept(comm::Deadline deadline,
                                             const comm::Interrupt&) override {
    std::unique_lock lock(door_->mutex);
    const auto ready = [&] { return door_->closed || !door_->waiting.empty(); };
    if (!door_->changed.wait_until(lock, deadline, ready)) {
      return deadline_exceeded("nobody came");
    }
    if (door_->closed) return cancelled("closed");
    auto link = std::move(door_->waiting.front());
    door_->waiting.pop_front();
    return link;
  }
  std::string address() const override { return "memory:"; }
  void close() override {
    std::lock_guard lock(door_->mutex);
    door_->closed = true;
    door_->waiting.clear();
    door_->changed.notify_all();
  }

 private:
  std::shared_ptr<Door> door_;
};

}  // namespace moai::worker
