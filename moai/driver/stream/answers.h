// Answers: what a Worker said to the requests of this driver, until their callers take it.
//
// Thread-safe. wait() sleeps until something changes; whoever receives frames fills it in.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "moai/base/status.h"
#include "moai/dispatch/messages.h"

namespace moai::driver {

struct Reply {
  bool done = false;
  Status status;                          // of the request; its call's Fault otherwise
  dispatch::Fault fault{};                // where status is not OK
  std::vector<std::string> frames{};      // of a Read: Data, by range
  std::vector<dispatch::Value> values{};  // of an Ask
};

class Answers {
 public:
  // A Read of so many ranges or an Ask; to be called before it can reach the Worker. Idempotent.
  void expect(dispatch::RequestId request, size_t ranges);
  // Nobody will take its reply; what still comes of it is dropped.
  void abandon(dispatch::RequestId request);

  // INVALID_ARGUMENT for what was not asked for.
  Status data(std::string frame);
  Status answer(dispatch::Answer message);
  void reached(dispatch::Reached message);
  void told(const dispatch::Memory& memory);
  void window(const dispatch::WindowState& state);
  void fault(const dispatch::Fault& message);
  // No reply will come any more: all that are missing fail so, and later ones at once.
  void fail(const Status& status);

  bool done(dispatch::RequestId request);
  // The reply, which is then forgotten; only when done().
  Reply take(dispatch::RequestId request);
  // What is known of a Marker: nothing until it is reached. Times of long gone ones are forgotten.
  std::optional<dispatch::Reached> marker(dispatch::RequestId request);
  // What was told last.
  dispatch::Memory memory() const;
  // Time that the Worker spent executing until the last Marker that it reached.
  uint64_t busy_ns() const;
  // What was told last of each template that the Worker compiles, or does not.
  std::vector<dispatch::WindowState> windows() const;
  // The first fault that belonged to no request and was not taken yet.
  std::optional<dispatch::Fault> take_fault();
  bool has_fault();

  // Sleeps until something changed since `seen` or `most` has passed; returns the new count.
  uint64_t wait(uint64_t seen, std::chrono::milliseconds most);
  uint64_t changes();
  void notify();

 private:
  Reply* find(dispatch::RequestId request);
  void finish(dispatch::RequestId request, Reply* reply);

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<dispatch::RequestId, Reply> replies_;     // guarded by mutex_
  std::unordered_map<dispatch::RequestId, size_t> missing_;    // guarded by mutex_: ranges
  std::unordered_map<dispatch::RequestId, size_t> abandoned_;  // guarded by mutex_: frames to come
  std::map<dispatch::RequestId, dispatch::Reached> markers_;   // guarded by mutex_: newest ones
  dispatch::Memory memory_;                                    // guarded by mutex_
  uint64_t busy_ns_ = 0;                                       // guarded by mutex_
  std::map<dispatch::TemplateId, dispatch::WindowState> windows_;  // guarded by mutex_: newest ones
  std::optional<dispatch::Fault> fault_;                           // guarded by mutex_
  Status failed_;                                                  // guarded by mutex_
  uint64_t changes_ = 0;                                           // guarded by mutex_
};

}  // namespace moai::driver
