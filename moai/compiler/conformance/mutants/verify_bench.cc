// compiler_verify RECORDING: milliseconds of CPU to verify the last window of a recording laid out
// on ranks, beside those of the passes before; medians. Exit code 1 where it does not verify.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

#include "moai/compiler/conformance/plans.h"
#include "moai/compiler/conformance/run_plan.h"
#include "moai/compiler/sharding/partition.h"
#include "moai/compiler/verify/verify.h"
#include "moai/compiler/verify/verify_graph.h"
#include "moai/compiler/verify/verify_program.h"
#include "moai/compiler/verify/verify_windows.h"

namespace moai::compiler {
namespace {

constexpr size_t kRounds = 7;
constexpr graph::StorageId kFirstTemporary = 1000000;

// Of CPU time, which others on the machine leave alone.
template <class Run>
double median_ms(const Run& run) {
  std::array<double, kRounds> ms{};
  for (double& one : ms) {
    const std::clock_t begin = std::clock();
    run();
    one = static_cast<double>(std::clock() - begin) * 1e3 / CLOCKS_PER_SEC;
  }
  std::ranges::nth_element(ms, ms.begin() + kRounds / 2);
  return ms[kRounds / 2];
}

bool measure(GoldenWindow* golden, const std::string& name, const MakePlan& make) {
  const auto w = expanded(golden, make);
  const double analysis = median_ms([&] { Analysed again(w->window, golden->signatures); });
  const LayoutPlan plan = make(*w);
  LaidOut laid;
  const double partition_ms =
      median_ms([&] { laid.program = partition(w->graph, w->factors, plan); });
  const double lower_ms = median_ms([&] {
    laid.ranks.clear();
    for (int rank = 0; rank < plan.mesh.ranks(); ++rank) {
      laid.ranks.push_back(
          lower_rank(laid.lowering(*w), rank, kFirstTemporary, &golden->signatures));
    }
  });
  const Lowering in = laid.lowering(*w);
  Status status;
  const double all = median_ms([&] { status = verify(in, laid.ranks, golden->signatures); });
  const double graph_ms = median_ms([&] { status = verify_graph(in, golden->signatures); });
  const double program_ms = median_ms([&] { status = verify_program(in); });
  const double windows_ms =
      median_ms([&] { status = verify_windows(in, laid.ranks, golden->signatures); });
  status = verify(in, laid.ranks, golden->signatures);
  std::printf("| %s | %zu | %zu | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f | %.1f |\n", name.c_str(),
              laid.ranks.size(), w->graph.nodes.size(), analysis, partition_ms, lower_ms, all,
              graph_ms, program_ms, windows_ms);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message().c_str());
  return status.ok();
}

int run(const std::string& file) {
  GoldenWindow golden;
  load_recording(file, &golden);
  if (!golden.recorded) return 2;
  std::printf(
      "| plan | ranks | calls | analysis | partition | lowering | verify | graph | program | "
      "windows |\n|---|---|---|---|---|---|---|---|---|---|\n");
  bool right = true;
  for (const int n : {2, 4, 6}) {
    const std::string ranks = std::to_string(n);
    right &= measure(&golden, "data parallel " + ranks,
                     [&](const Analysed& w) { return data_parallel(golden, w, n); });
  }
  for (const int n : {2, 3, 4}) {
    const std::string ranks = std::to_string(n);
    right &= measure(&golden, "tensor parallel " + ranks,
                     [&](const Analysed& w) { return tensor_parallel(golden, w, n); });
  }
  right &= measure(&golden, "random 2 x 3",
                   [&](const Analysed& w) { return random_plan(golden, w, 2); });
  return right ? 0 : 1;
}

}  // namespace
}  // namespace moai::compiler

int main(int count, char** arguments) {
  testing::InitGoogleTest(&count, arguments);
  if (count != 2) {
    std::fprintf(stderr, "usage: compiler_verify RECORDING\n");
    return 2;
  }
  return moai::compiler::run(arguments[1]);
}
