#include "moai/driver/insight/flush_ledger.h"

#include <algorithm>

namespace moai::driver {
namespace {

thread_local graph::LineId t_wait_line = 0;

}  // namespace

void set_wait_line(graph::LineId line) { t_wait_line = line; }
graph::LineId wait_line() { return t_wait_line; }

Waited::Waited(FlushLedger* ledger, Reason why)
    : ledger_(*ledger), why_(why), begun_(std::chrono::steady_clock::now()) {}

Waited::~Waited() {
  const auto passed = std::chrono::steady_clock::now() - begun_;
  ledger_.waited(why_, t_wait_line,
                 static_cast<uint64_t>(std::chrono::nanoseconds(passed).count()));
}

const char* reason_name(Reason reason) {
  switch (reason) {
    case Reason::kCalls:
      return "calls";
    case Reason::kBytes:
      return "bytes";
    case Reason::kStepEnd:
      return "step_end";
    case Reason::kQuiet:
      return "quiet";
    case Reason::kRead:
      return "read";
    case Reason::kShape:
      return "shape";
    case Reason::kSynchronize:
      return "synchronize";
    case Reason::kEvent:
      return "event";
    case Reason::kRoom:
      return "room";
    case Reason::kExit:
      break;
  }
  return "exit";
}

void FlushLedger::add(Table* table, Reason reason, graph::LineId line, uint64_t ns) {
  const std::lock_guard lock(mutex_);
  const bool full = table->size() >= kRowsMax && !table->contains({reason, line});
  Row& row = (*table)[{reason, full ? 0 : line}];
  row.reason = reason;
  row.line = full ? 0 : line;
  ++row.count;
  row.total_ns += ns;
  row.longest_ns = std::max(row.longest_ns, ns);
}

std::vector<FlushLedger::Row> FlushLedger::rows(const Table& table) const {
  std::vector<Row> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [key, row] : table) all.push_back(row);
  }
  std::stable_sort(all.begin(), all.end(), [](const Row& a, const Row& b) {
    return std::pair(a.total_ns, a.count) > std::pair(b.total_ns, b.count);
  });
  return all;
}

}  // namespace moai::driver
