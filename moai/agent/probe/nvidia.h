// Devices of kind "cuda", as NVIDIA's management library (NVML) tells of them.
#pragma once

#include <string>

#include "moai/agent/probe/probe.h"

namespace moai::agent {

// The library is loaded at the first call; `library` is its file, tests name their own. Devices are
// numbered by their place on the bus, as their Workers number them.
std::unique_ptr<Probe> nvidia_probe(std::string library = "libnvidia-ml.so.1");

}  // namespace moai::agent
