// A session stream whose master is the test.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "moai/rpc/client/stream.h"

namespace moai::session {

// What both ends share; the test's end outlives the stream's.
struct FakeWire {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<v1::SessionUp> up;
  std::deque<v1::SessionDown> down;
  std::optional<Status> end;
  bool half_closed = false;

  void send_down(const v1::SessionDown& message) {
    std::lock_guard lock(mutex);
    down.push_back(message);
    changed.notify_all();
  }
  void finish(const Status& status) {
    std::lock_guard lock(mutex);
    if (!end) end = status;
    changed.notify_all();
  }
  // The next message up; nothing within 5 s is an empty one.
  v1::SessionUp next_up() {
    std::unique_lock lock(mutex);
    if (!changed.wait_for(lock, std::chrono::seconds(5), [&] { return !up.empty(); })) return {};
    v1::SessionUp message = up.front();
    up.pop_front();
    return message;
  }
  bool wait_half_closed() {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(5), [&] { return half_closed; });
  }
};

class FakeStream : public rpc::SessionStream {
 public:
  explicit FakeStream(std::shared_ptr<FakeWire> wire) : wire_(std::move(wire)) {}

  Status send(const v1::SessionUp& message) override {
    std::lock_guard lock(wire_->mutex);
    wire_->up.push_back(message);
    wire_->changed.notify_all();
    return ok_status();
  }
  Result<v1::SessionDown> receive(std::chrono::steady_clock::time_point deadline) override {
    std::unique_lock lock(wire_->mutex);
    wire_->changed.wait_until(lock, deadline, [&] { return !wire_->down.empty() || wire_->end; });
    if (!wire_->down.empty()) {
      v1::SessionDown message = wire_->down.front();
      wire_->down.pop_front();
      return message;
    }
    if (wire_->end) return *wire_->end;
    return deadline_exceeded("nothing came");
  }
  void half_close() override {
    std::lock_guard lock(wire_->mutex);
    wire_->half_closed = true;
    wire_->changed.notify_all();
  }
  void cancel() override { wire_->finish(cancelled("by this side")); }

 private:
  std::shared_ptr<FakeWire> wire_;  // shared with the test
};

}  // namespace moai::session
