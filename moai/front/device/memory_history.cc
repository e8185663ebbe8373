#include "moai/front/device/memory_history.h"

#include <atomic>
#include <deque>
#include <mutex>

#include <c10/util/ApproximateClock.h>

#include "moai/front/device/script.h"

namespace moai::front {
namespace {

struct Entry {
  MemoryEvent event;  // its line not yet as text
  graph::LineId line = 0;
};

std::atomic<uint64_t> g_events_max{0};
std::mutex g_mutex;
std::deque<Entry> g_entries;  // guarded by g_mutex

}  // namespace

void record_memory_history(uint64_t events_max) {
  const std::lock_guard lock(g_mutex);
  g_events_max = events_max;
  g_entries.clear();
}

bool records_memory_history() { return g_events_max.load(std::memory_order_relaxed) != 0; }

void note_memory(MemoryEvent::Action action, uint64_t address, uint64_t size_bytes) {
  const uint64_t most = g_events_max.load(std::memory_order_relaxed);
  if (most == 0) return;
  const graph::LineId line = current_line();
  const std::lock_guard lock(g_mutex);
  g_entries.push_back({{action, address, size_bytes, c10::getTime() / 1000, ""}, line});
  while (g_entries.size() > most) g_entries.pop_front();
}

std::vector<MemoryEvent> memory_history() {
  std::vector<MemoryEvent> events;
  const std::lock_guard lock(g_mutex);
  for (const Entry& entry : g_entries) {
    events.push_back(entry.event);
    if (script().line_text) events.back().line = script().line_text(entry.line);
  }
  return events;
}

}  // namespace moai::front
