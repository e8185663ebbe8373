// The search: the best degrees for a window on so many devices, under a limit of memory.
//
// Candidates are visited in the order of what they take at least (work_bound.h); what cannot be
// among the best six, or holds more than there is before it begins, is not priced. Of degrees
// that differ only where nothing can be split one counts. Deep models are
// priced with few layers, twice: seconds and bytes of all layers follow (fold_layers.h). Such bytes
// may be too few, since what is largest may change with depth: the plan that is chosen is priced
// once more with all layers, and given up where it does not fit.
#pragma once

#include <optional>
#include <string>
#include <unordered_set>

#include "moai/compiler/planner/choose_plan.h"
#include "moai/compiler/search/work_bound.h"

namespace moai::compiler {

struct PlanPrice {
  double step_s = 0;
  double exchange_s = 0;  // of it
  double memory_bytes = 0;
};

// Prices a plan of the window, or of one with fewer layers, in which `absent` storages are not.
using PricePlan = std::function<PlanPrice(const PlannedWindow&, const Degrees&,
                                          const std::unordered_set<graph::StorageId>& absent)>;

// No more than summing gradients of so many bytes a rank adds to a step.
using GradientSeconds = std::function<double(const Degrees&, double bytes)>;

struct SearchProblem {
  const graph::Window* window = nullptr;        // outlives the search
  graph::SignatureTable* signatures = nullptr;  // so does it
  std::vector<graph::StorageId> uploaded{};
  int devices = 1;
  double memory_bytes = 0;  // of a device
  Pins pins{};
  PricePlan price{};
  CallSeconds call_seconds{};
  GradientSeconds gradient_seconds{};
  std::function<bool()> stopped{};  // asked between plans, if there is one
};

struct FoundPlan {
  Degrees degrees{};
  PlanPrice price{};
  double lower_bound_s = 0;
  bool fits = false;
  std::string why_not{};  // of an alternative
};

struct SearchResult {
  FoundPlan best{};
  PlannedWindow planned{};                // of the whole window
  std::vector<FoundPlan> alternatives{};  // the next five
  double lower_bound_s = 0;               // of all plans
  size_t candidates = 0, priced = 0;
  size_t fitting = 0;                    // candidates but for those that were found not to fit
  size_t layers = 1, layers_priced = 1;  // the larger of both windows
  double search_s = 0;                   // until degrees were chosen
  double confirm_s = 0;                  // with all layers
};

// INVALID_ARGUMENT where the pins leave no plan; RESOURCE_EXHAUSTED, with what the smallest needs,
// where none fits; CANCELLED where the problem says that it is stopped.
Result<SearchResult> search_plan(const SearchProblem& problem);

}  // namespace moai::compiler
