#include "moai/comm/link/memory.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>

#include "moai/comm/link/wait.h"

namespace moai::comm {
namespace {

using std::chrono::steady_clock;

// What both ends share; hence shared_ptr.
struct Pipe {
  explicit Pipe(size_t capacity) : capacity_bytes(capacity) {}

  const size_t capacity_bytes;
  std::mutex mutex;
  std::condition_variable changed;
  // All guarded by mutex; the index is the end that receives, or that was closed.
  std::deque<std::string> frames[2];
  size_t bytes[2] = {0, 0};
  bool closed[2] = {false, false};
};

class MemoryLink final : public Link {
 public:
  MemoryLink(std::shared_ptr<Pipe> pipe, int end) : pipe_(std::move(pipe)), end_(end) {}
  ~MemoryLink() override { close(); }

  Status send(std::span<const std::string_view> parts, std::chrono::milliseconds stall) override {
    size_t size = 0;
    for (std::string_view part : parts) size += part.size();
    if (size > kFrameBytesMax) return invalid_argument("[comm.link] a frame too large");
    std::string frame;
    frame.reserve(size);
    for (std::string_view part : parts) frame += part;
    std::unique_lock lock(pipe_->mutex);
    const int to = 1 - end_;
    const auto settled = [&] {
      return pipe_->closed[end_] || pipe_->closed[to] || broken_ || pipe_->bytes[to] == 0 ||
             pipe_->bytes[to] + size <= pipe_->capacity_bytes;
    };
    if (!pipe_->changed.wait_until(lock, steady_clock::now() + stall, settled)) {
      broken_ = true;
      return deadline_exceeded("[comm.link] the peer took no byte for " +
                               std::to_string(stall.count()) + " ms");
    }
    if (pipe_->closed[end_]) return here_closed();
    if (pipe_->closed[to] || broken_) return unavailable("[comm.link] the peer is gone");
    pipe_->frames[to].push_back(std::move(frame));
    pipe_->bytes[to] += size;
    counters_.frames_sent += 1;
    counters_.bytes_sent += size;
    pipe_->changed.notify_all();
    return ok_status();
  }

  Result<std::string> receive(Deadline deadline, const Interrupt& interrupt) override {
    Patience patience(deadline, interrupt);
    std::unique_lock lock(pipe_->mutex);
    while (true) {
      if (pipe_->closed[end_]) return here_closed();
      if (!pipe_->frames[end_].empty()) return take();
      if (pipe_->closed[1 - end_]) return unavailable("[comm.link] the peer closed the connection");
      lock.unlock();
      MOAI_RETURN_IF_ERROR(patience.look());
      lock.lock();
      pipe_->changed.wait_until(lock, patience.next(), [&] { return has_news(); });
    }
  }

  bool readable() override {
    const std::lock_guard lock(pipe_->mutex);
    return has_news();
  }

  void close() override {
    const std::lock_guard lock(pipe_->mutex);
    pipe_->closed[end_] = true;
    pipe_->changed.notify_all();
  }

  std::string peer() const override { return "memory"; }
  bool same_machine() const override { return false; }  // stands for any transport in tests

  int descriptor() const override { return -1; }
  Counters counters() const override {
    const std::lock_guard lock(pipe_->mutex);
    return counters_;
  }

 private:
  static Status here_closed() { return cancelled("[comm.link] the link was closed here"); }

  bool has_news() const {
    return !pipe_->frames[end_].empty() || pipe_->closed[0] || pipe_->closed[1];
  }

  std::string take() {
    std::string frame = std::move(pipe_->frames[end_].front());
    pipe_->frames[end_].pop_front();
    pipe_->bytes[end_] -= frame.size();
    counters_.frames_received += 1;
    counters_.bytes_received += frame.size();
    pipe_->changed.notify_all();
    return frame;
  }

  const std::shared_ptr<Pipe> pipe_;
  const int end_;
  bool broken_ = false;  // guarded by pipe_->mutex
  Counters counters_;    // guarded by pipe_->mutex
};

}  // namespace

std::pair<std::unique_ptr<Link>, std::unique_ptr<Link>> memory_link_pair(size_t capacity_bytes) {
  const auto pipe = std::make_shared<Pipe>(capacity_bytes);
  return {std::make_unique<MemoryLink>(pipe, 0), std::make_unique<MemoryLink>(pipe, 1)};
}

}  // namespace moai::comm
