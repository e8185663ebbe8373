// What the Worker's allocator says of its memory, which holds kernels' workspace and kept blocks
// besides the tensors that the front counts.
//
// It is told with the Worker's answers and credit; asking waits only for a trim that this process
// asked for. Thread-safe.
#pragma once

#include <cstdint>

namespace moai::front {

struct WorkerMemory {
  uint64_t peak_bytes = 0;  // since reset_worker_peak(); 0 when nothing was told since
  uint64_t reserved_bytes = 0;
};
WorkerMemory worker_memory();

void reset_worker_peak();
// Gives kept memory back to the Worker's system.
void trim_worker();

}  // namespace moai::front
