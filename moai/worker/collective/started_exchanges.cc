#include "moai/worker/collective/started_exchanges.h"

#include <algorithm>
#include <utility>

namespace moai::worker {
namespace {

// Of exchanges that have ended, as many memories are kept.
constexpr size_t kIdleMax = 4;

}  // namespace

StartedExchanges::~StartedExchanges() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    stops_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// The smallest that is large enough.
std::unique_ptr<char[]> StartedExchanges::memory(size_t bytes, size_t* has) {
  auto best = idle_.end();
  for (auto i = idle_.begin(); i != idle_.end(); ++i) {
    const bool fits = i->memory_bytes >= bytes;
    if (fits && (best == idle_.end() || i->memory_bytes < best->memory_bytes)) best = i;
  }
  if (best == idle_.end()) {
    *has = bytes;
    return std::make_unique_for_overwrite<char[]>(bytes);
  }
  *has = best->memory_bytes;
  std::unique_ptr<char[]> memory = std::move(best->memory);
  idle_.erase(best);
  return memory;
}

void StartedExchanges::start(Started started) {
  going_.push_back(std::make_unique<Going>(Going{.started = std::move(started)}));
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back(going_.back().get());
  }
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_all();
}

void StartedExchanges::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stops_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Going* const going = queue_.front();
    lock.unlock();
    const Started& s = going->started;
    Status status = s.exchange->meet(s.group, s.memory.get());
    if (!status.ok()) failed_(status);
    lock.lock();
    queue_.pop_front();
    going->status = std::move(status);
    going->ended = true;
    changed_.notify_all();
  }
}

Result<StartedExchanges::Started> StartedExchanges::finish(std::span<device::Buffer* const> made) {
  const auto found = std::ranges::find_if(
      going_, [&](const auto& g) { return std::ranges::equal(g->started.made, made); });
  if (found == going_.end()) {
    return failed_precondition("[worker.collective] no exchange was started that makes this");
  }
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return (*found)->ended; });
  }
  const std::unique_ptr<Going> ended = std::move(*found);
  going_.erase(found);
  MOAI_RETURN_IF_ERROR(ended->status);
  return std::move(ended->started);
}

void StartedExchanges::done(Started finished) {
  finished.exchange = nullptr;
  finished.made.clear();
  idle_.push_back(std::move(finished));
  if (idle_.size() > kIdleMax) idle_.erase(idle_.begin());
}

void StartedExchanges::run_dry() {
  if (going_.empty()) return;
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return queue_.empty(); });
}

void StartedExchanges::forget() {
  run_dry();
  going_.clear();
}

}  // namespace moai::worker
