// The door from a recorded window to a program for all ranks: analysis, roles, a layout of given
// degrees, and the expansions that it gains by.
#pragma once

#include <functional>
#include <memory>

#include "moai/compiler/analysis/analysed.h"
#include "moai/compiler/planner/layout.h"

namespace moai::compiler {

// What lowering reads (lower/lower_rank.h), with how it came about.
struct PlannedWindow {
  std::unique_ptr<Analysed> analysed{};  // of the window with its calls expanded
  Roles roles{};
  LayoutPlan plan{};
  SpmdProgram program{};
  graph::StorageId next_temporary = 0;  // the first storage that is still free
};

// A plan for a window of which calls may have been expanded.
using MakeLayout = std::function<LayoutPlan(const Analysed&, const Roles&)>;

// `uploaded`: as for find_roles(). Storages from `first_temporary` on are free: what expansions
// make in between. Signatures of expanded calls are added to the table.
PlannedWindow plan_window(graph::Window window, const std::vector<graph::StorageId>& uploaded,
                          const Degrees& degrees, graph::StorageId first_temporary,
                          graph::SignatureTable* signatures);
PlannedWindow plan_window(graph::Window window, const std::vector<graph::StorageId>& uploaded,
                          const MakeLayout& make, graph::StorageId first_temporary,
                          graph::SignatureTable* signatures);

}  // namespace moai::compiler
