// The description of a job's devices, by which its plan is chosen.
//
// A file that is named (MOAI_CLUSTER); where devices are simulated the measured description of this
// machine, STATE_DIR/machine.toml; the site's, /etc/moreh/cluster.toml; else, for simulated ones,
// what is built in.
#pragma once

#include <cstdint>
#include <string>

#include "moai/base/status.h"
#include "moai/cluster/topology.h"

namespace moai::driver {

struct JobDevices {
  std::string kind{};  // as Workers tell it: "cpu", "cuda", "hip"
  int count = 1;
  uint64_t memory_bytes = 0;  // that storages of each may take; 0: not known
};

struct DescriptionPlaces {
  std::string named{};      // a file; empty: none
  std::string state_dir{};  // empty: none
  std::string site = "/etc/moreh/cluster.toml";
};

// NOT_FOUND where nothing describes such devices; what is wrong with a file that is there.
Result<cluster::Cluster> job_cluster(const JobDevices& devices, const DescriptionPlaces& places);

}  // namespace moai::driver
