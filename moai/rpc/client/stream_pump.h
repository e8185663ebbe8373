// StreamPump: a Stream for a poll loop. A thread of its own reads; an event descriptor wakes the
// loop, which takes what has come.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "moai/base/fd.h"
#include "moai/rpc/client/stream.h"

namespace moai::rpc {

template <class Up, class Down>
class StreamPump {
 public:
  explicit StreamPump(std::unique_ptr<Stream<Up, Down>> stream)
      : stream_(std::move(stream)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        reader_([this] { read(); }) {}
  // Breaks the stream if it is still open.
  ~StreamPump() {
    stopping_ = true;
    stream_->cancel();
    reader_.join();
  }
  StreamPump(const StreamPump&) = delete;
  StreamPump& operator=(const StreamPump&) = delete;

  Status send(const Up& message) { return stream_->send(message); }
  void half_close() { stream_->half_close(); }

  // Readable when take() has something.
  int descriptor() const { return wake_.get(); }
  // What has come, in order. An error is the last thing: how the stream ended.
  std::vector<Result<Down>> take() {
    uint64_t count = 0;
    while (::read(wake_.get(), &count, sizeof count) > 0) {
    }
    std::lock_guard lock(mutex_);
    return std::exchange(received_, {});
  }

 private:
  void read() {
    while (!stopping_) {
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(1);
      auto message = stream_->receive(deadline);
      if (!message.ok() && message.status().code() == Code::kDeadlineExceeded &&
          std::chrono::steady_clock::now() >= deadline) {
        continue;
      }
      const bool last = !message.ok();
      {
        std::lock_guard lock(mutex_);
        received_.push_back(std::move(message));
      }
      const uint64_t one = 1;
      if (::write(wake_.get(), &one, sizeof one) < 0 && last) return;  // full: it is readable
      if (last) return;
    }
  }

  std::unique_ptr<Stream<Up, Down>> stream_;
  Fd wake_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<Result<Down>> received_;  // guarded by mutex_
  std::thread reader_;                  // last: it uses the others
};

}  // namespace moai::rpc
