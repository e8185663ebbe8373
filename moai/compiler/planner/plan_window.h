// The door from a recorded window to a program for all ranks: analysis, roles, a layout of given
// degrees, and the expansions that it gains by.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "moai/compiler/analysis/analysed.h"
#include "moai/compiler/passes/time_barrier.h"
#include "moai/compiler/planner/layout.h"
#include "moai/compiler/planner/stages.h"

namespace moai::compiler {

// Calls of a window that were expanded (passes/expand_calls.h).
struct ExpandedCalls {
  std::vector<uint32_t> calls{};
  graph::StorageId first_temporary = 0;
};

// What a planner is told beside the window.
struct PlannerInput {
  std::vector<graph::StorageId> uploaded{};  // as for find_roles()
  // Storages from here on are free: what expansions make in between.
  graph::StorageId first_temporary = 0;
  CutsOf cuts{};
  // Has the last word on where segments lie.
  std::function<void(const Analysed&, const Roles&, LayoutPlan*)> adjust{};
  // How segments lie on the axis of stages; nothing: all may go anywhere.
  std::function<StageHome(const Analysed&, SegmentId)> stage_home{};
  bool at_every_stage = false;  // all calls
  // The parts of weights that were decided before (StageInput); none: nothing was.
  std::map<graph::StorageId, uint32_t> weight_parts{};
  std::vector<WholeStorage> wholes{};  // as for import_window()
  std::vector<uint32_t> phases{};      // of the window, if it is one in time (micro_batches.h)
  bool overlaps = false;               // what ranks exchange goes on beside calls
};

// What lowering reads (lower/lower_rank.h), with how it came about.
struct PlannedWindow {
  // Of the window with its calls expanded. Shared among the plans of a planner.
  std::shared_ptr<const Analysed> analysed{};
  Roles roles{};
  LayoutPlan plan{};
  SpmdProgram program{};
  graph::StorageId next_temporary = 0;      // the first storage that is still free
  std::vector<ExpandedCalls> expansions{};  // of the recorded window, one after the other
  int microbatches = 1;                     // in which the window is by now
  std::vector<TimeBarrier> barriers{};      // of them
  Status in_time{};                         // not OK: our mistake, of which there are none
};

// A plan for a window of which calls may have been expanded.
using MakeLayout = std::function<LayoutPlan(const Analysed&, const Roles&)>;

// Plans of one window: what is expanded alike is analysed once. Threads: any, but for destruction.
class WindowPlanner {
 public:
  // Signatures of expanded calls are added to the table, which outlives it.
  WindowPlanner(graph::Window window, PlannerInput input, graph::SignatureTable* signatures);
  WindowPlanner(graph::Window window, std::vector<graph::StorageId> uploaded,
                graph::StorageId first_temporary, graph::SignatureTable* signatures)
      : WindowPlanner(std::move(window), {std::move(uploaded), first_temporary, {}, {}, {}, {}},
                      signatures) {}
  ~WindowPlanner();

  // With micro-batches or recomputation, of the window in time (window_in_time.h), whose words are
  // those of the window.
  PlannedWindow plan(const Degrees& degrees);
  PlannedWindow plan(const MakeLayout& make);
  // Of the window as it was recorded.
  const Analysed& recorded() const;
  const Roles& roles() const;
  const TensorFactors& tensor_factors();

 private:
  struct Expanded;
  struct InTime;

  InTime& in_time(const Degrees& degrees);
  std::unique_ptr<Expanded> analyse(graph::Window window, std::vector<uint32_t> phases) const;
  // With calls expanded; positions in the window, ascending.
  Expanded* expanded(Expanded* from, std::vector<uint32_t> calls);
  std::vector<uint32_t> frozen_calls(Expanded* at, const Degrees& degrees) const;
  std::vector<uint32_t> moving_calls(const PlannedWindow& w) const;
  StageInput stage_input(const Expanded& at, const Degrees& degrees) const;
  PlannedWindow complete(const Expanded& at, LayoutPlan plan) const;

  const PlannerInput input_;
  graph::SignatureTable* signatures_;
  std::unique_ptr<Expanded> recorded_;
  std::mutex mutex_;  // of in_time_, and each Expanded::further
  std::map<std::string, std::unique_ptr<InTime>> in_time_;  // by what of degrees it depends on
};

// One plan.
PlannedWindow plan_window(graph::Window window, const std::vector<graph::StorageId>& uploaded,
                          const Degrees& degrees, graph::StorageId first_temporary,
                          graph::SignatureTable* signatures);

}  // namespace moai::compiler
