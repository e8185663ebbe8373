// FlushLedger: why commands left and what the script waited for, counted by the script's line.
//
// Thread-safe; one mutex, under which nothing else is called. Past kRowsMax rows, lines are counted
// together as unknown.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "moai/graph/window.h"

namespace moai::driver {

enum class Reason : uint8_t {
  kCalls,        // enough calls are recorded
  kBytes,        // enough bytes are
  kStepEnd,      // an optimizer's step ended
  kQuiet,        // nothing was recorded for a moment
  kRead,         // the script wants a value
  kShape,        // and one that only the device knows
  kSynchronize,  // the script waits for the device
  kEvent,        // or for a point of it, or asks whether that is reached
  kRoom,         // too much is recorded and not sent
  kExit,         // the script ends
};
const char* reason_name(Reason reason);

class FlushLedger {
 public:
  static constexpr size_t kRowsMax = 4096;

  struct Row {
    Reason reason = Reason::kCalls;
    graph::LineId line = 0;
    uint64_t count = 0;
    uint64_t total_ns = 0, longest_ns = 0;
  };

  void flushed(Reason reason, graph::LineId line) { add(&flushes_, reason, line, 0); }
  void waited(Reason reason, graph::LineId line, uint64_t ns) { add(&waits_, reason, line, ns); }

  // Most frequent first.
  std::vector<Row> flushes() const { return rows(flushes_); }
  // Longest in all first.
  std::vector<Row> waits() const { return rows(waits_); }

 private:
  using Table = std::map<std::pair<Reason, graph::LineId>, Row>;
  void add(Table* table, Reason reason, graph::LineId line, uint64_t ns);
  std::vector<Row> rows(const Table& table) const;

  mutable std::mutex mutex_;
  Table flushes_, waits_;  // guarded by mutex_
};

// The line of the calling thread's next waits.
void set_wait_line(graph::LineId line);
graph::LineId wait_line();

// A wait, counted when it ends.
class Waited {
 public:
  Waited(FlushLedger* ledger, Reason why);
  ~Waited();
  Waited(const Waited&) = delete;
  Waited& operator=(const Waited&) = delete;

 private:
  FlushLedger& ledger_;
  const Reason why_;
  const std::chrono::steady_clock::time_point begun_;
};

}  // namespace moai::driver
