// Simulated devices: CPU memory and cores dressed as N accelerators.
//
// Utilisation is the CPU time of the Worker on the device; temperature and power follow it as a
// body with one heat capacity would.
#pragma once

#include "moai/agent/probe/probe.h"

namespace moai::agent {

struct SimulatedOptions {
  uint32_t devices = 8;
  uint64_t memory_bytes = 0;  // of each; 0: half of the machine's, shared out
  uint32_t threads = 1;       // of a Worker: this many busy cores are utilisation 1
};

std::unique_ptr<Probe> simulated_probe(const SimulatedOptions& options);

// Half of the machine's memory, shared out to `devices`, in whole MiB.
uint64_t default_simulated_memory(uint32_t devices);

}  // namespace moai::agent
