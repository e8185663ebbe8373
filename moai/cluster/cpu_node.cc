#include "moai/cluster/cpu_node.h"

#include <algorithm>

namespace moai::cluster {
namespace {

// Of one thread of a server's processor with AVX2, assumed.
constexpr double kFlops32 = 60e9, kFlops64 = 30e9;
constexpr double kFlops16 = 6e9;  // through conversions
constexpr double kBytesPerS = 8e9;
constexpr double kLaunchS = 8e-6;
// Between two of them, in shared memory, assumed.
constexpr double kHopS = 25e-6, kLinkBytesPerS = 2e9;

}  // namespace

Cluster cpu_node(int devices, int64_t memory_bytes, int processors) {
  const double share = std::min(1.0, static_cast<double>(std::max(processors, 1)) / devices);
  Cluster c{.name = "cpu-node", .nodes = 1, .devices_per_node = devices};
  c.device.name = "simulated device of " + std::to_string(processors) + " processors";
  c.device.memory_bytes = memory_bytes;
  c.device.memory_bytes_per_s = kBytesPerS * share;
  c.device.peak = {.fp64 = kFlops64 * share,
                   .fp32 = kFlops32 * share,
                   .tf32 = kFlops32 * share,
                   .fp16 = kFlops16 * share,
                   .bf16 = kFlops16 * share};
  c.device.fitted = {.gemm_efficiency = 0.7,
                     .gemm_ramp = 16,
                     .elementwise_traffic = 1.5,
                     .attention_efficiency = 0.4,
                     .launch_s = kLaunchS / share,
                     .overlap_slowdown = 1};
  c.node_link = {.latency_s = kHopS / share, .bytes_per_s = kLinkBytesPerS * share};
  return c;
}

}  // namespace moai::cluster
