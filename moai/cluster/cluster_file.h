// Files of clusters/: hardware descriptions in TOML, read strictly and written back.
//
// Units stand in the names of keys. Unknown keys are errors with the nearest known name; values are
// checked against a range; errors read "[cluster.file] PATH:LINE: …". clusters/README.md names the
// keys.
#pragma once

#include <string>
#include <string_view>

#include "moai/base/status.h"
#include "moai/cluster/topology.h"

namespace moai::cluster {

// `path` is for errors only.
Result<Cluster> cluster_from_toml(std::string_view text, const std::string& path);
Result<Cluster> read_cluster(const std::string& path);

// A file that reads as this cluster, without comments.
std::string to_toml(const Cluster& cluster);

// `--cluster FILE:N`: N devices of the cluster in FILE.
struct ClusterSpec {
  std::string file{};
  int devices = 0;

  bool operator==(const ClusterSpec&) const = default;
};
Result<ClusterSpec> cluster_spec_from_string(std::string_view text);
// Reads the file and takes that many devices of it.
Result<Cluster> load_cluster(const ClusterSpec& spec);

}  // namespace moai::cluster
