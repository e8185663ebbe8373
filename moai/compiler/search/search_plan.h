// The search: the best degrees for a training step on so many devices, under a limit of memory.
//
// Candidates are visited best first, by bounds that grow tighter the nearer they come to being the
// best: from the window's calls alone (work_bound.h); with what tensor parallel exchanges; with the
// calls that are emitted for a micro-batch (place_costs.h). What cannot be among the best six, or
// holds more than there is, is not priced. A price is that of the emitted calls of one micro-batch
// in the order of the simulated schedule (pipeline_price.h); of small windows the best are priced
// again as all of their programs. docs/design/021
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "moai/compiler/planner/pins.h"
#include "moai/compiler/planner/weight_layout.h"
#include "moai/compiler/search/pipeline_price.h"
#include "moai/compiler/search/plan_cache.h"

namespace moai::compiler {

struct PlanPrice {
  double step_s = 0;
  double exchange_s = 0, idle_s = 0;  // of it
  double memory_bytes = 0;
};

struct SearchProblem {
  const RecordedStep* step = nullptr;           // outlives the search
  const cluster::Cluster* cluster = nullptr;    // so does it
  graph::SignatureTable* signatures = nullptr;  // and it
  Pins pins{};
  PriceOptions options{};
  double memory_bytes = 0;  // of a device; 0: as the cluster says
  bool one_device = false;  // whether its price is wanted as well
  // Plans whose programs of the whole window have no more calls, about, are priced by these in the
  // end; 0: none is.
  size_t whole_nodes_max = 6000;
  // What a search for the same calls in other sizes found, if one is known: its plans are looked at
  // first. It outlives this one.
  const CachedSearch* known = nullptr;
  int threads = 2;                  // at most; what is found is the same with any number
  std::function<bool()> stopped{};  // asked between plans, if there is one
  // Of tests: changes a price of all programs.
  std::function<void(const Degrees&, PlanPrice*)> mistake{};
};

struct FoundPlan {
  Degrees degrees{};
  PlanPrice price{};
  double lower_bound_s = 0;
  bool fits = false;
  bool whole = false;     // priced as all of its programs
  std::string why_not{};  // of an alternative
};

struct SearchResult {
  FoundPlan best{};
  std::vector<FoundPlan> alternatives{};  // the next five
  double lower_bound_s = 0;               // no plan that fits is below
  size_t candidates = 0, priced = 0;
  size_t fitting = 0;                    // candidates but for those that were found not to fit
  std::optional<Degrees> begun_with{};   // the plan of other sizes that came first
  int64_t rows = 0;                      // that micro-batches and dp share; 0: there is no batch
  size_t layers = 1, layers_priced = 1;  // of the window that was priced
  double search_s = 0;                   // until degrees were chosen
  double confirm_s = 0;                  // until they were priced as all of their programs

  // Of the best plan. Lines are the script's.
  PipelinePrice price{};
  StepPrice one_device{};  // if wanted: the same step there, whether it fits or not
  std::vector<WeightLayout> weights{};
  int microbatches = 1;                 // in which a batch runs
  std::vector<TimeBarrier> barriers{};  // where they wait for each other
  Status in_time{};                     // as PlannedWindow's
  std::vector<int64_t> batches{};       // rows of each batch
  int64_t sequence = 0;                 // 0: there is none
};

// INVALID_ARGUMENT where the pins leave no plan; RESOURCE_EXHAUSTED, with what the smallest needs,
// where none fits; CANCELLED where the problem says that it is stopped.
Result<SearchResult> search_plan(const SearchProblem& problem);

// The same where the best is known from a search before, first of `known`: it is priced, the others
// are as they were. Also NOT_FOUND where the step has no such plan.
Result<SearchResult> price_plan(const SearchProblem& problem, const CachedSearch& known);

// What a later search for the same is spared.
CachedSearch to_cached(const SearchResult& found);

}  // namespace moai::compiler
