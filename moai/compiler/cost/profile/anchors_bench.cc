// cost_anchors ROOT: fits every software profile of ROOT/bench/anchors and prints constants and
// errors; exit code 1 where the held-out errors miss their target.

#include <cstdio>
#include <vector>

#include "moai/cluster/cluster_file.h"
#include "moai/compiler/cost/profile/error_table.h"
#include "moai/compiler/cost/profile/fit.h"

namespace moai::compiler::cost {
namespace {

constexpr Spread kTarget{.median = 0.06, .largest = 0.15};

Status print_fits(const std::string& root) {
  MOAI_ASSIGN_OR_RETURN(const std::vector<AnchorRow> rows, shipped_rows(root));
  MOAI_ASSIGN_OR_RETURN(const std::vector<SoftwareProfile> profiles, shipped_profiles(root));
  for (const SoftwareProfile& profile : profiles) {
    MOAI_ASSIGN_OR_RETURN(const cluster::Cluster cluster,
                          cluster::read_cluster(root + "/clusters/" + profile.cluster + ".toml"));
    std::vector<AnchorRow> fitted;
    for (const AnchorRow& row : rows) {
      if (row.profile == profile.name && row.fitted) fitted.push_back(row);
    }
    MOAI_ASSIGN_OR_RETURN(const SoftwareProfile fit, fit_profile(profile, cluster, fitted));
    std::printf("%-18s gemm_efficiency %.3f (file %.3f), traffic %.3f (file %.3f)\n",
                profile.name.c_str(), fit.gemm_efficiency, profile.gemm_efficiency, fit.traffic,
                profile.traffic);
  }
  return ok_status();
}

int run(const std::string& root) {
  const Status printed = print_fits(root);
  const auto errors = printed.ok() ? all_row_errors(root) : printed;
  if (!errors.ok()) {
    std::fprintf(stderr, "%s\n", errors.status().message().c_str());
    return 2;
  }
  std::printf("\n%s", to_markdown(*errors).c_str());
  const Spread spread = held_out_spread(*errors);
  return spread.median <= kTarget.median && spread.largest <= kTarget.largest ? 0 : 1;
}

}  // namespace
}  // namespace moai::compiler::cost

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: cost_anchors ROOT\n");
    return 2;
  }
  return moai::compiler::cost::run(arguments[1]);
}
