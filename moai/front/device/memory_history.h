// What torch.cuda.memory._record_memory_history() keeps: the newest allocations and releases, with
// the lines of the program that made them. Off until it is asked for. Thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace moai::front {

struct MemoryEvent {
  enum class Action : uint8_t { kAlloc, kFree, kOutOfMemory };
  Action action = Action::kAlloc;
  uint64_t address = 0;
  uint64_t size_bytes = 0;
  int64_t time_us = 0;
  std::string line;  // "train.py:12"; empty when unknown
};

// Keeps the newest `events_max` from now on; 0 ends it and forgets.
void record_memory_history(uint64_t events_max);
bool records_memory_history();
void note_memory(MemoryEvent::Action action, uint64_t address, uint64_t size_bytes);
std::vector<MemoryEvent> memory_history();

}  // namespace moai::front
