// The description of simulated devices that share the processors of one machine, for where nobody
// has measured it.
#pragma once

#include <cstdint>

#include "moai/cluster/topology.h"

namespace moai::cluster {

// `processors` of the machine are shared evenly; the figures stand in clusters/README.md.
Cluster cpu_node(int devices, int64_t memory_bytes, int processors);

}  // namespace moai::cluster
