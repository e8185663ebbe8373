#include "moai/toolkit/plan/plan_cluster.h"

#include <unistd.h>

#include "moai/base/environment.h"
#include "moai/base/site_settings.h"
#include "moai/cluster/cluster_file.h"
#include "moai/compiler/cost/profile/software_profile.h"
#include "moai/toolkit/calibrate/machine_cluster.h"
#include "moai/toolkit/flavors.h"
#include "moai/toolkit/snapshot.h"

namespace moai::toolkit {
namespace {

constexpr const char* kSiteFile = "/etc/moreh/cluster.toml";

Result<std::string> site_description() {
  const std::string set = environment("MOAI_CLUSTER").value_or("");
  if (!set.empty()) return set;
  if (::access(kSiteFile, R_OK) == 0) return std::string(kSiteFile);
  // What was measured of this machine is about the local platform's Workers.
  const std::string machine = machine_file();
  if (read_site_settings().address.empty() && ::access(machine.c_str(), R_OK) == 0) return machine;
  return failed_precondition(
      std::string("nothing describes the devices of this site: give --cluster FILE:N, or set "
                  "MOAI_CLUSTER to such a file (clusters/ has examples), or install ") +
      kSiteFile + "; \"moai calibrate\" measures this machine");
}

Result<v1::Flavor> chosen_flavor(const std::string& name, Context& context) {
  MOAI_ASSIGN_OR_RETURN(Platform platform, context.find(context.terminal, Stopped::kLeave));
  if (!platform.api) {
    return failed_precondition(
        "the local platform is not running, so that its models are not known: \"moai up\" starts "
        "it; or give --cluster FILE:N");
  }
  if (!name.empty()) {
    MOAI_ASSIGN_OR_RETURN(const auto flavors, list_flavors(*platform.api));
    return find_flavor(flavors, name);
  }
  MOAI_ASSIGN_OR_RETURN(const Snapshot snapshot, take_snapshot(context.version, platform));
  const v1::Accelerator* accelerator = default_accelerator(snapshot);
  if (!accelerator) return failed_precondition("this token has no accelerator; give --flavor NAME");
  return accelerator->flavor();
}

Result<cluster::Cluster> of_flavor(const std::string& name, Context& context) {
  MOAI_ASSIGN_OR_RETURN(const v1::Flavor flavor, chosen_flavor(name, context));
  MOAI_ASSIGN_OR_RETURN(const std::string file, site_description());
  MOAI_ASSIGN_OR_RETURN(
      cluster::Cluster c,
      cluster::load_cluster({.file = file, .devices = static_cast<int>(flavor.devices())}));
  const auto memory = static_cast<int64_t>(flavor.memory_bytes() / std::max(flavor.devices(), 1u));
  if (memory > 0) c.device.memory_bytes = std::min(c.device.memory_bytes, memory);
  return c;
}

// A name stands for a file of bench/anchors.
Result<compiler::cost::SoftwareProfile> profile(const std::string& name) {
  const bool path = name.find('/') != std::string::npos || name.ends_with(".toml");
  return compiler::cost::read_profile(
      path ? name : std::string(MOAI_SOURCE) + "/bench/anchors/" + name + ".toml");
}

}  // namespace

Result<cluster::Cluster> chosen_cluster(const ClusterChoice& choice, Context& context) {
  cluster::Cluster c;
  if (choice.cluster.empty()) {
    MOAI_ASSIGN_OR_RETURN(c, of_flavor(choice.flavor, context));
  } else {
    MOAI_ASSIGN_OR_RETURN(const cluster::ClusterSpec spec,
                          cluster::cluster_spec_from_string(choice.cluster));
    MOAI_ASSIGN_OR_RETURN(c, cluster::load_cluster(spec));
  }
  if (choice.profile.empty()) return c;
  MOAI_ASSIGN_OR_RETURN(const compiler::cost::SoftwareProfile software, profile(choice.profile));
  c.device.fitted.gemm_efficiency = software.gemm_efficiency;
  c.device.fitted.elementwise_traffic = software.traffic;
  c.device.overlaps_exchanges = false;  // its own way of it is in price_options()
  return c;
}

Result<compiler::PriceOptions> price_options(const ClusterChoice& choice) {
  if (choice.profile.empty()) return compiler::PriceOptions{};
  MOAI_ASSIGN_OR_RETURN(const compiler::cost::SoftwareProfile software, profile(choice.profile));
  return compiler::PriceOptions{.overlap = overlap_of(software)};
}

}  // namespace moai::toolkit
