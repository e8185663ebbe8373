// StartedExchanges: exchanges that go on beside the calls of the device.
//
// A thread, made at the first start, works through them one by one in the order of their starts. It
// touches host memory and groups, never the device. Every exchange ends, by the group's patience or
// when the groups are aborted, and so does who waits for it.
//
// The executor's thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "moai/comm/collective/group.h"
#include "moai/device/device.h"
#include "moai/worker/collective/exchange.h"

namespace moai::worker {

class StartedExchanges {
 public:
  // Told of what fails, in the thread, before finish() is.
  using Failed = std::function<void(const Status&)>;
  explicit StartedExchanges(Failed failed) : failed_(std::move(failed)) {}
  // Nothing may be going on.
  ~StartedExchanges();
  StartedExchanges(const StartedExchanges&) = delete;
  StartedExchanges& operator=(const StartedExchanges&) = delete;

  struct Started {
    std::shared_ptr<const Exchange> exchange{};
    comm::Group* group = nullptr;         // outlives it
    std::vector<device::Buffer*> made{};  // what it makes; never looked into
    std::unique_ptr<char[]> memory{};
    size_t memory_bytes = 0;
  };
  // Memory of at least so many bytes, of one that has ended if there is such.
  std::unique_ptr<char[]> memory(size_t bytes, size_t* has);
  void start(Started started);
  // Waits for the first, of those nobody has waited for, that makes this. FAILED_PRECONDITION
  // without one, else what failed.
  Result<Started> finish(std::span<device::Buffer* const> made);
  // Its memory may be used again.
  void done(Started finished);
  bool any() const { return !going_.empty(); }
  // Waits until all have ended; finish() still finds them.
  void run_dry();
  // The same, and forgets them.
  void forget();

 private:
  struct Going {
    Started started{};
    bool ended = false;  // guarded by mutex_, as status
    Status status{};
  };
  void run();

  const Failed failed_;
  std::deque<std::unique_ptr<Going>> going_;  // the executor's
  std::vector<Started> idle_;                 // likewise; only their memory
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Going*> queue_;  // guarded by mutex_
  bool stops_ = false;        // likewise
  std::thread thread_;
};

}  // namespace moai::worker
