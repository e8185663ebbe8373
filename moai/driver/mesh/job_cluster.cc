#include "moai/driver/mesh/job_cluster.h"

#include <unistd.h>

#include <algorithm>
#include <optional>
#include <thread>
#include <utility>

#include "moai/base/log.h"
#include "moai/cluster/cluster_file.h"
#include "moai/cluster/cpu_node.h"

namespace moai::driver {
namespace {

bool is_simulated(const JobDevices& d) { return d.kind == "cpu"; }

bool is_there(const std::string& path) { return ::access(path.c_str(), R_OK) == 0; }

// What was measured may be of fewer devices, or damaged: then it is as none, and said.
std::optional<cluster::Cluster> measured(const JobDevices& d, const DescriptionPlaces& places) {
  const std::string file = places.state_dir + "/machine.toml";
  if (!is_simulated(d) || places.state_dir.empty() || !is_there(file)) return std::nullopt;
  auto c = cluster::load_cluster({.file = file, .devices = d.count});
  if (c.ok()) return *std::move(c);
  log_warning("what was measured of this machine is not used: " + c.status().message());
  return std::nullopt;
}

Result<cluster::Cluster> described(const JobDevices& d, const DescriptionPlaces& places) {
  if (!places.named.empty()) {
    return cluster::load_cluster({.file = places.named, .devices = d.count});
  }
  if (auto c = measured(d, places)) return *std::move(c);
  if (is_there(places.site)) {
    return cluster::load_cluster({.file = places.site, .devices = d.count});
  }
  if (is_simulated(d)) {
    const auto processors = static_cast<int>(std::thread::hardware_concurrency());
    return cluster::cpu_node(d.count, int64_t{1} << 40, processors);
  }
  return not_found("[driver.cluster] nothing describes devices of kind \"" + d.kind +
                   "\" here: set MOAI_CLUSTER to such a file, or install " + places.site);
}

}  // namespace

Result<cluster::Cluster> job_cluster(const JobDevices& devices, const DescriptionPlaces& places) {
  MOAI_ASSIGN_OR_RETURN(cluster::Cluster c, described(devices, places));
  if (devices.memory_bytes != 0) {
    c.device.memory_bytes =
        std::min(c.device.memory_bytes, static_cast<int64_t>(devices.memory_bytes));
  }
  return c;
}

}  // namespace moai::driver
