// every_window_bench RECORDING CLUSTER.toml:N [SECONDS]: plans every window of a recording, and
// verifies the programs of all ranks. Prints lines of fields between tabs:
//
//   window  calls  verdict  plan  seconds of the step
//   whole   operator  calls  seconds  seconds of collectives   of a window that was planned
//   windows  looked at  planned  left
//
// A script that loops until a value says so has no end here: what SECONDS (60) do not suffice for
// is left. A window is planned when the search finds degrees and the programs of all ranks are
// right.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "moai/base/file.h"
#include "moai/cluster/cluster_file.h"
#include "moai/compiler/distribute.h"
#include "moai/compiler/search/search_plan.h"

namespace moai::compiler {
namespace {

// A recording's windows end with steps alone, an engine's with every read as well.
constexpr size_t kNodesMax = 1 << 13;

using Clock = std::chrono::steady_clock;
constexpr int kLookForS = 60;

// The window with what exists before it on its way to the ranks, as the engine has it.
Status verify_ranks(const RecordedStep& step, const Degrees& degrees,
                    graph::SignatureTable* signatures) {
  DistributeInput in{.window = &step.window, .degrees = degrees};
  for (const graph::StorageId id : step.window.storages) {
    in.first_temporary = std::max(in.first_temporary, id + 1);
    const auto found = step.older.find(id);
    if (found != step.older.end()) in.storages[id] = {.bytes = found->second};
  }
  for (const graph::StorageId id : step.uploaded) {
    const auto found = in.storages.find(id);
    if (found != in.storages.end()) found->second.free = true;
  }
  return distribute(in, signatures).verified;
}

bool plan(const RecordedStep& step, const cluster::Cluster& cluster,
          graph::SignatureTable* signatures) {
  const auto calls =
      std::ranges::count(step.window.nodes, graph::NodeKind::kCall, &graph::Node::kind);
  const auto say = [&](const std::string& verdict, const std::string& plan, double seconds) {
    std::printf("window\t%ld\t%s\t%s\t%.9f\n", static_cast<long>(calls), verdict.c_str(),
                plan.c_str(), seconds);
    std::fflush(stdout);
  };
  const auto found = search_plan({.step = &step, .cluster = &cluster, .signatures = signatures});
  if (!found.ok()) {
    say(found.status().message(), "-", 0);
    return false;
  }
  const Degrees& degrees = found->best.degrees;
  const StepPrice& price = found->price.step;
  const Status verified = verify_ranks(step, degrees, signatures);
  say(verified.ok() ? "planned" : verified.message(), to_string(degrees), price.program.step_s);
  for (const WholeCalls& w : price.whole) {
    std::printf("whole\t%s\t%lu\t%.9f\t%.9f\n", w.op.c_str(), static_cast<unsigned long>(w.calls),
                w.seconds, w.exchange_s);
  }
  return verified.ok();
}

Result<bool> run(const std::string& recording_path, const std::string& cluster_text,
                 std::chrono::seconds look_for) {
  graph::SignatureTable signatures;
  MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(recording_path));
  MOAI_ASSIGN_OR_RETURN(const graph::Recording recording,
                        graph::parse_recording(text, &signatures));
  MOAI_ASSIGN_OR_RETURN(const cluster::ClusterSpec spec,
                        cluster::cluster_spec_from_string(cluster_text));
  MOAI_ASSIGN_OR_RETURN(const cluster::Cluster cluster, cluster::load_cluster(spec));
  size_t planned = 0, seen = 0;
  const std::vector<RecordedStep> windows = distinct_windows(recording, kNodesMax, signatures);
  const auto end = Clock::now() + look_for;
  while (seen < windows.size() && Clock::now() < end) {
    planned += plan(windows[seen++], cluster, &signatures);
  }
  std::printf("windows\t%zu\t%zu\t%zu\n", seen, planned, windows.size() - seen);
  return planned == seen;
}

}  // namespace
}  // namespace moai::compiler

int main(int argc, char** argv) {
  const int seconds = argc > 3 ? std::atoi(argv[3]) : moai::compiler::kLookForS;
  if (argc < 3 || argc > 4 || seconds <= 0) {
    std::fprintf(stderr, "usage: every_window_bench RECORDING CLUSTER.toml:N [SECONDS]\n");
    return 2;
  }
  const auto all = moai::compiler::run(argv[1], argv[2], std::chrono::seconds(seconds));
  if (!all.ok()) std::fprintf(stderr, "%s\n", all.status().message().c_str());
  return all.ok() && *all ? 0 : 1;
}
