// search_plan_bench RECORDING CLUSTER.toml DEVICES [PINS [PROFILE.toml [OTHER]]]: what the search
// finds, and how long it takes; begun with what it finds for a recording of other sizes.

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "moai/base/file.h"
#include "moai/cluster/cluster_file.h"
#include "moai/compiler/cost/profile/software_profile.h"
#include "moai/compiler/search/search_plan.h"

namespace moai::compiler {
namespace {

void print(const FoundPlan& p) {
  std::printf("  %-44s %10.3f ms  %7.1f GB  at least %10.3f ms  %s\n", to_string(p.degrees).c_str(),
              1e3 * p.price.step_s, p.price.memory_bytes / 1e9, 1e3 * p.lower_bound_s,
              p.why_not.c_str());
}

Result<RecordedStep> load(const std::string& path, graph::SignatureTable* signatures) {
  MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  MOAI_ASSIGN_OR_RETURN(const graph::Recording recording, graph::parse_recording(text, signatures));
  return training_step(recording, *signatures);
}

Status run(const std::string& recording_path, const std::string& cluster_path, int devices,
           const std::string& pins_text, const std::string& profile_path,
           const std::string& other_path) {
  graph::SignatureTable signatures;
  MOAI_ASSIGN_OR_RETURN(const RecordedStep step, load(recording_path, &signatures));
  MOAI_ASSIGN_OR_RETURN(cluster::Cluster cluster, cluster::load_cluster({cluster_path, devices}));
  PriceOptions options;
  if (!profile_path.empty()) {
    MOAI_ASSIGN_OR_RETURN(const auto profile, cost::read_profile(profile_path));
    cluster.device.fitted.gemm_efficiency = profile.gemm_efficiency;
    cluster.device.fitted.elementwise_traffic = profile.traffic;
    options.overlap = cost::overlap_of(profile);
    cluster.device.overlaps_exchanges = false;
  }
  MOAI_ASSIGN_OR_RETURN(const Pins pins, pins_from_string(pins_text));
  SearchProblem problem{.step = &step,
                        .cluster = &cluster,
                        .signatures = &signatures,
                        .pins = pins,
                        .options = options};
  CachedSearch known;
  if (!other_path.empty()) {
    graph::SignatureTable others;
    MOAI_ASSIGN_OR_RETURN(const RecordedStep other, load(other_path, &others));
    SearchProblem of_other = problem;
    of_other.step = &other;
    of_other.signatures = &others;
    MOAI_ASSIGN_OR_RETURN(const SearchResult found, search_plan(of_other));
    known = to_cached(found);
    problem.known = &known;
  }
  MOAI_ASSIGN_OR_RETURN(const SearchResult r, search_plan(problem));
  if (r.begun_with) std::printf("begun with %s\n", to_string(*r.begun_with).c_str());
  std::printf("%zu nodes, %zu layers (priced with %zu)\n", step.window.nodes.size(), r.layers,
              r.layers_priced);
  std::printf("%zu candidates, %zu priced; search %.3f s, as all programs %.3f s more\n",
              r.candidates, r.priced, r.search_s, r.confirm_s);
  for (const int64_t rows : r.batches) std::printf("batch of %ld rows\n", static_cast<long>(rows));
  std::printf("no plan is below %.3f ms\n", 1e3 * r.lower_bound_s);
  std::printf("%d micro-batches; priced as %s\n", r.microbatches,
              r.best.whole ? "all programs" : "one micro-batch");
  if (!r.in_time.ok()) std::printf("%s\n", r.in_time.message().c_str());
  print(r.best);
  for (size_t i = 0; i < r.price.step.stages.size(); ++i) {
    const StagePrice& stage = r.price.step.stages[i];
    std::printf(
        "    stage %zu: %zu weights, calls %.3f ms, exchanges %.3f ms, waits %.3f ms, %.1f GB\n", i,
        stage.weights, 1e3 * stage.busy_s(), 1e3 * stage.slices.exchange_s,
        1e3 * stage.slices.idle_s, static_cast<double>(stage.memory_bytes) / 1e9);
  }
  for (const FoundPlan& p : r.alternatives) print(p);
  return ok_status();
}

}  // namespace
}  // namespace moai::compiler

int main(int argc, char** argv) {
  if (argc < 4 || argc > 7) {
    std::fprintf(
        stderr,
        "usage: search_plan_bench RECORDING CLUSTER.toml DEVICES [PINS [PROFILE.toml [OTHER]]]\n");
    return 2;
  }
  const auto status =
      moai::compiler::run(argv[1], argv[2], std::atoi(argv[3]), argc > 4 ? argv[4] : "",
                          argc > 5 ? argv[5] : "", argc > 6 ? argv[6] : "");
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n", status.message().c_str());
  return 1;
}
