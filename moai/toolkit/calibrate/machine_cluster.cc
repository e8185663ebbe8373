#include "moai/toolkit/calibrate/machine_cluster.h"

#include <algorithm>

#include "moai/base/file.h"
#include "moai/base/site_settings.h"
#include "moai/toolkit/child_process.h"

namespace moai::toolkit {
namespace {

std::string processor() {
  for (const std::string& line : lines_of("/proc/cpuinfo")) {
    if (!line.starts_with("model name")) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "CPU";
}

// What two Workers reach: for groups that were not measured.
cluster::Link link_of(const std::vector<cluster::MeasuredCollective>& rows) {
  cluster::Link link{.latency_s = 1e-5, .bytes_per_s = 1e9};
  for (const cluster::MeasuredCollective& row : rows) {
    if (row.kind != cluster::Collective::kAllGather || row.shape.ranks_per_node != 2) continue;
    link.latency_s = row.points.front().second;
    for (const auto& [bytes, seconds] : row.points) {
      link.bytes_per_s = std::max(link.bytes_per_s, bytes / 2 / seconds);
    }
  }
  return link;
}

}  // namespace

std::string machine_file() { return state_directory() + "/machine.toml"; }

cluster::Cluster machine_cluster(const MeasureOptions& options, const Measured& measured,
                                 uint64_t memory_bytes) {
  cluster::Cluster c{.name = "this-machine", .devices_per_node = options.devices};
  c.device.name = options.device_kind + " device";
  if (options.is_cpu()) {
    c.device.name = processor() + ", " + std::to_string(options.threads) +
                    (options.threads == 1 ? " thread" : " threads");
    c.device.cache_bytes = options.cache_bytes;
    c.device.shared_cache_bytes = options.shared_cache_bytes / options.devices;
  }
  c.device.memory_bytes = static_cast<int64_t>(memory_bytes);
  compiler::cost::fit_device(measured.calls, &c.device);
  c.device.operators = compiler::cost::fit_operators(
      measured.calls, {.caches = {.own = static_cast<double>(c.device.cache_bytes),
                                  .shared = static_cast<double>(c.device.shared_cache_bytes)}});
  c.node_link = link_of(measured.collectives);
  c.measured = measured.collectives;
  return c;
}

}  // namespace moai::toolkit
