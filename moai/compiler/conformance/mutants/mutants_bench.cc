// compiler_mutants [COUNT [SEED]]: COUNT mutants of every class (200), as a table; exit code 1
// where one that changes a result passes the verifier, or where a class has fewer than 50.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "moai/compiler/conformance/mutants/schedule_mutants.h"
#include "moai/device/aten/aten_device.h"

namespace moai::compiler {
namespace {

constexpr int kMutantsMin = 50;

int run(int count, unsigned seed) {
  const auto begin = std::chrono::steady_clock::now();
  auto device = device::make_aten_device({});
  if (!device.ok()) {
    std::fprintf(stderr, "%s\n", device.status().message().c_str());
    return 2;
  }
  MutantTable table(device->get(), all_mutant_models());
  std::vector<std::string> alarms = table.false_alarms();
  for (const std::string& a : alarms) std::printf("false alarm: %s\n", a.c_str());
  std::vector<MutantRow> rows;
  for (const MutantClass& c : all_mutant_classes()) rows.push_back(table.run(c, count, seed));
  MutantTable staged(device->get(), all_mutant_models(), MutantTable::Plans::kStages);
  for (const std::string& a : staged.false_alarms()) {
    std::printf("false alarm: %s\n", a.c_str());
    alarms.push_back(a);
  }
  for (const MutantClass& c : stage_mutants()) rows.push_back(staged.run(c, count, seed));
  MutantTable overlapped(device->get(), all_mutant_models(), MutantTable::Plans::kOverlaps);
  for (const std::string& a : overlapped.false_alarms()) {
    std::printf("false alarm: %s\n", a.c_str());
    alarms.push_back(a);
  }
  for (const MutantClass& c : started_mutants()) rows.push_back(overlapped.run(c, count, seed));
  for (const ScheduleMistake mistake : {ScheduleMistake::kOrder, ScheduleMistake::kUnmatched}) {
    rows.push_back(run_schedule_mutants(mistake, count, seed));
  }
  const MutantRow all = sum_of(rows);
  for (const std::string& e : all.escapes) std::printf("escaped, %s\n", e.c_str());
  const bool few =
      std::ranges::any_of(rows, [](const MutantRow& r) { return r.mutants < kMutantsMin; });
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::printf(
      "%s\n%d mutants in %zu classes, %d changed a result, %d caught, %d escaped; "
      "%zu of %zu originals refused; %.0f s\n",
      to_markdown(rows).c_str(), all.mutants, rows.size(), all.changed, all.caught, all.escaped,
      alarms.size(), table.originals() + staged.originals() + overlapped.originals(), seconds);
  return all.escaped == 0 && !few && alarms.empty() ? 0 : 1;
}

}  // namespace
}  // namespace moai::compiler

int main(int count, char** arguments) {
  testing::InitGoogleTest(&count, arguments);
  const int mutants = count > 1 ? std::atoi(arguments[1]) : 200;
  const auto seed = static_cast<unsigned>(count > 2 ? std::atoi(arguments[2]) : 1);
  return moai::compiler::run(mutants, seed);
}
