// plan_window_bench RECORDING: seconds of each part of planning the last window of a recording.

#include <chrono>
#include <cstdio>

#include "moai/base/file.h"
#include "moai/compiler/analysis/import_window.h"
#include "moai/compiler/planner/plan_window.h"
#include "moai/compiler/sharding/partition.h"
#include "moai/graph/recording.h"

namespace moai::compiler {
namespace {

class Stopwatch {
 public:
  void lap(const char* what) {
    const auto now = std::chrono::steady_clock::now();
    std::printf("  %-28s %8.2f ms\n", what,
                std::chrono::duration<double, std::milli>(now - last_).count());
    last_ = std::chrono::steady_clock::now();
  }

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

int run(const std::string& path) {
  graph::SignatureTable signatures;
  const auto text = read_file(path);
  const auto recording = text.ok() ? graph::parse_recording(*text, &signatures)
                                   : Result<graph::Recording>(text.status());
  if (!recording.ok()) {
    std::fprintf(stderr, "%s\n", recording.status().message().c_str());
    return 2;
  }
  const graph::RecordedWindow& recorded = recording->windows.back();
  std::vector<graph::StorageId> uploaded;
  for (const graph::Upload& u : recorded.uploads) uploaded.push_back(u.storage);

  Stopwatch watch;
  const ValueGraph g = import_window(recorded.window, signatures);
  watch.lap("import");
  std::printf("%zu nodes, %zu segments\n", g.nodes.size(), g.segments.size());
  const Factors factors(g);
  watch.lap("factors");
  const Roles roles = find_roles(g, factors, uploaded);
  watch.lap("roles");
  const TensorFactors tensor(g, factors, roles);
  watch.lap("tensor factors");
  for (const Degrees& d :
       {Degrees{.dp = 4}, Degrees{.tp = 4}, Degrees{.dp = 2, .tp = 2, .zero = 3}}) {
    const LayoutPlan plan = layout(g, factors, roles, tensor, d);
    watch.lap("layout");
    partition(g, factors, plan);
    watch.lap("partition");
    plan_window(recorded.window, uploaded, d, 1, &signatures);
    watch.lap(("all of " + to_string(d)).c_str());
  }
  return 0;
}

}  // namespace
}  // namespace moai::compiler

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: plan_window_bench RECORDING\n");
    return 2;
  }
  return moai::compiler::run(argv[1]);
}
