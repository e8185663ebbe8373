#include "moai/driver/mesh/job_cluster.h"

#include <unistd.h>

#include <algorithm>
#include <thread>

#include "moai/cluster/cluster_file.h"
#include "moai/cluster/cpu_node.h"

namespace moai::driver {
namespace {

bool is_simulated(const JobDevices& d) { return d.kind == "cpu"; }

std::string file_for(const JobDevices& d, const DescriptionPlaces& places) {
  if (!places.named.empty()) return places.named;
  const std::string measured = places.state_dir + "/cluster.toml";
  const auto there = [](const std::string& path) { return ::access(path.c_str(), R_OK) == 0; };
  if (is_simulated(d) && !places.state_dir.empty() && there(measured)) return measured;
  return there(places.site) ? places.site : std::string();
}

Result<cluster::Cluster> described(const JobDevices& d, const DescriptionPlaces& places) {
  const std::string file = file_for(d, places);
  if (!file.empty()) return cluster::load_cluster({.file = file, .devices = d.count});
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
