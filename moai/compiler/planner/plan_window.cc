#include "moai/compiler/planner/plan_window.h"

#include <algorithm>
#include <optional>

#include "moai/compiler/passes/expand_calls.h"
#include "moai/compiler/planner/rule_parts.h"
#include "moai/compiler/planner/stage_order.h"
#include "moai/compiler/planner/window_in_time.h"
#include "moai/compiler/sharding/partition.h"
#include "moai/compiler/sharding/table_split.h"
#include "moai/ops/sharding/expansion.h"

namespace moai::compiler {
namespace {

// Where a call is expanded the next may move what it did not before.
constexpr int kRoundsMax = 6;

graph::StorageId first_free(const graph::Window& w, graph::StorageId from) {
  for (const graph::StorageId id : w.storages) from = std::max(from, id + 1);
  return from;
}

// The first nodes that come from these positions on.
std::vector<NodeId> nodes_at(const ValueGraph& g, const std::vector<uint32_t>& positions) {
  std::vector<NodeId> nodes;
  for (const uint32_t p : positions) {
    const auto first = std::ranges::lower_bound(g.nodes, p, {}, &ValueNode::source);
    nodes.push_back(static_cast<NodeId>(first - g.nodes.begin()));
  }
  return nodes;
}

bool freezes(const NodeRule& r, const std::vector<FactorId>& of) { return has_any(r, true, of); }
bool shares(const NodeRule& r, const std::vector<FactorId>& of) { return has_any(r, false, of); }

// Whether the call points into a table that is split, by positions that no share of it can take.
bool points_at(const ValueNode& n, const NodeRule& r, const std::vector<FactorId>& of) {
  for (ops::FactorIndex f = 0; f < r.parts.size(); ++f) {
    if (r.rule.factors[f].kind != ops::FactorKind::kIndexed) continue;
    const auto hit = [&](FactorId part) { return std::ranges::binary_search(of, part); };
    if (std::ranges::any_of(r.parts[f], hit) && !splittable_form(n, r, f)) return true;
  }
  return false;
}

void erase_rigid(const graph::Window& w, const graph::SignatureTable& signatures,
                 std::vector<uint32_t>* calls) {
  std::erase_if(*calls, [&](uint32_t i) {
    return !ops::expand(signatures.at(w.nodes[i].signature).signature());
  });
}

}  // namespace

struct WindowPlanner::Expanded {
  std::shared_ptr<const Analysed> analysed{};
  Roles roles{};
  std::optional<TensorFactors> tensor{};
  graph::StorageId next_temporary = 0;
  std::vector<uint32_t> phases{};
  std::vector<ExpandedCalls> expansions{};
  std::once_flag tensor_made{};
  struct Further {
    std::once_flag made{};
    std::unique_ptr<Expanded> window{};
  };
  std::map<std::vector<uint32_t>, Further> further{};  // by calls

  const TensorFactors& tensor_factors() {
    std::call_once(tensor_made, [&] { tensor.emplace(analysed->graph, analysed->factors, roles); });
    return *tensor;
  }
};

struct WindowPlanner::InTime {
  WindowInTime window{};
  std::unique_ptr<WindowPlanner> planner{};
};

WindowPlanner::WindowPlanner(graph::Window window, PlannerInput input,
                             graph::SignatureTable* signatures)
    : input_(std::move(input)),
      signatures_(signatures),
      recorded_(analyse(std::move(window), input_.phases)) {}

// With stages, micro-batches go through them in the order of their schedule.
WindowPlanner::InTime& WindowPlanner::in_time(const Degrees& degrees) {
  Degrees key{.microbatches = degrees.microbatches, .recompute = degrees.recompute};
  const bool by_turns = degrees.pp > 1 && degrees.microbatches > 1;
  if (by_turns) {
    key.pp = degrees.pp;
    key.schedule = degrees.schedule;
  }
  const std::scoped_lock lock(mutex_);
  std::unique_ptr<InTime>& at = in_time_[to_string(key)];
  if (at) return *at;
  at = std::make_unique<InTime>();
  PlannerInput input = input_;
  InTimeInput in{.window = &recorded().window,
                 .uploaded = input_.uploaded,
                 .first_temporary = recorded_->next_temporary,
                 .degrees = degrees};
  std::optional<StageParts> parts;
  if (by_turns && !input_.at_every_stage) {
    parts = find_parts(recorded().graph, roles(), stage_input(*recorded_, degrees));
    input.weight_parts = parts->weights;
    in.order = [&](int m) {
      return stage_order(recorded().graph, recorded().window.nodes.size(), *parts, degrees, m)
          .value();
    };
  }
  at->window = window_in_time(in, signatures_);
  input.first_temporary = at->window.made.next_temporary;
  input.wholes = at->window.made.wholes;
  input.phases = at->window.made.phases;
  at->planner =
      std::make_unique<WindowPlanner>(at->window.made.window, std::move(input), signatures_);
  return *at;
}

WindowPlanner::~WindowPlanner() = default;

const Analysed& WindowPlanner::recorded() const { return *recorded_->analysed; }
const Roles& WindowPlanner::roles() const { return recorded_->roles; }
const TensorFactors& WindowPlanner::tensor_factors() { return recorded_->tensor_factors(); }

std::unique_ptr<WindowPlanner::Expanded> WindowPlanner::analyse(
    graph::Window window, std::vector<uint32_t> phases) const {
  auto at = std::make_unique<Expanded>();
  at->phases = std::move(phases);
  at->next_temporary = first_free(window, input_.first_temporary);
  at->analysed =
      std::make_shared<Analysed>(std::move(window), *signatures_, input_.cuts, input_.wholes);
  at->roles = find_roles(at->analysed->graph, at->analysed->factors, input_.uploaded);
  return at;
}

WindowPlanner::Expanded* WindowPlanner::expanded(Expanded* from, std::vector<uint32_t> calls) {
  Expanded::Further& further = [&]() -> Expanded::Further& {
    const std::scoped_lock lock(mutex_);
    return from->further[calls];
  }();
  std::call_once(further.made, [&] {
    std::vector<uint32_t> sources, phases;
    graph::Window window =
        expand_calls(from->analysed->window, calls, from->next_temporary, signatures_, &sources);
    for (const uint32_t phase : from->phases) {
      const auto first = std::ranges::lower_bound(sources, phase);
      phases.push_back(static_cast<uint32_t>(first - sources.begin()));
    }
    further.window = analyse(std::move(window), std::move(phases));
    further.window->expansions = from->expansions;
    further.window->expansions.push_back({std::move(calls), from->next_temporary});
  });
  return further.window.get();
}

// Calls that need all of what the degrees split, and can be expanded.
std::vector<uint32_t> WindowPlanner::frozen_calls(Expanded* at, const Degrees& degrees) const {
  std::vector<FactorId> split;
  if (degrees.dp > 1) split = at->roles.batch;
  if (degrees.tp > 1) {
    const std::vector<FactorId> chosen = at->tensor_factors().choose(degrees.tp);
    split.insert(split.end(), chosen.begin(), chosen.end());
  }
  std::ranges::sort(split);
  std::vector<FactorId> sequence;
  if (degrees.cp > 1) sequence = at->roles.sequence;
  const ValueGraph& g = at->analysed->graph;
  std::vector<uint32_t> calls;
  for (NodeId n = 0; n < g.nodes.size(); ++n) {
    const NodeRule& r = at->analysed->factors.rule(n);
    // Of a sequence a call may need all in one place and share it in another (softmax over keys).
    const bool hit = freezes(r, split) || points_at(g.nodes[n], r, split) ||
                     (freezes(r, sequence) && !shares(r, sequence));
    if (!hit) continue;
    if (calls.empty() || calls.back() != g.nodes[n].source) calls.push_back(g.nodes[n].source);
  }
  erase_rigid(at->analysed->window, *signatures_, &calls);
  return calls;
}

// Calls for which activations move, and that can be expanded. Weights that are gathered from shares
// are no reason.
std::vector<uint32_t> WindowPlanner::moving_calls(const PlannedWindow& w) const {
  const ValueGraph& g = w.analysed->graph;
  const auto is_activation = [&](RegisterId r) {
    const std::vector<FactorId>& list =
        w.analysed->factors.of(g.values[w.program.registers[r].value].segment);
    return std::ranges::any_of(list, [&](FactorId f) {
      return std::ranges::find(w.roles.batch, f) != w.roles.batch.end() ||
             std::ranges::find(w.roles.sequence, f) != w.roles.sequence.end();
    });
  };
  SpmdProgram activations{.mesh = w.program.mesh};
  for (const Step& step : w.program.steps) {
    const auto* move = std::get_if<MoveStep>(&step);
    if (move && is_activation(move->from)) activations.steps.push_back(step);
  }
  std::vector<uint32_t> calls = calls_that_move(g, activations);
  erase_rigid(w.analysed->window, *signatures_, &calls);
  return calls;
}

PlannedWindow WindowPlanner::plan(const Degrees& degrees) {
  if (degrees.microbatches > 1 || degrees.recompute != Recompute::kNone) {
    Degrees of_ranks = degrees;
    of_ranks.microbatches = 1;
    of_ranks.recompute = Recompute::kNone;
    InTime& at = in_time(degrees);
    PlannedWindow planned = at.planner->plan(of_ranks);
    planned.microbatches = at.window.count.microbatches;
    planned.barriers = at.window.made.barriers;
    planned.in_time = at.window.refused;
    return planned;
  }
  Expanded* at = recorded_.get();
  for (int round = 0;; ++round) {
    std::vector<uint32_t> calls = frozen_calls(at, degrees);
    if (calls.empty() || round == kRoundsMax) {
      const Analysed& w = *at->analysed;
      PlannedWindow out =
          complete(*at, layout(w.graph, w.factors, at->roles, at->tensor_factors(), degrees));
      calls = moving_calls(out);
      if (calls.empty() || round >= kRoundsMax) return out;
    }
    at = expanded(at, std::move(calls));
  }
}

PlannedWindow WindowPlanner::plan(const MakeLayout& make) {
  Expanded* at = recorded_.get();
  for (int round = 0;; ++round) {
    PlannedWindow out = complete(*at, make(*at->analysed, at->roles));
    std::vector<uint32_t> calls = calls_that_move(at->analysed->graph, out.program);
    erase_rigid(at->analysed->window, *signatures_, &calls);
    if (round == kRoundsMax || calls.empty()) return out;
    at = expanded(at, std::move(calls));
  }
}

StageInput WindowPlanner::stage_input(const Expanded& at, const Degrees& degrees) const {
  const Analysed& w = *at.analysed;
  return {.factors = &w.factors,
          .stages = degrees.pp,
          .chunks = degrees.schedule.chunks,
          .homes = [this, &w](SegmentId s) {
            return input_.stage_home ? input_.stage_home(w, s) : StageHome{};
          }};
}

PlannedWindow WindowPlanner::complete(const Expanded& at, LayoutPlan plan) const {
  const Analysed& w = *at.analysed;
  if (input_.adjust) input_.adjust(w, at.roles, &plan);
  plan.overlaps = input_.overlaps;
  if (plan.mesh.has_stages()) {
    Degrees of_stages{.pp = plan.mesh.stages()};
    of_stages.schedule.chunks = plan.chunks;
    StageInput in = stage_input(at, of_stages);
    if (!input_.weight_parts.empty()) in.weights = &input_.weight_parts;
    input_.at_every_stage ? run_at_every_stage(w.graph, &plan)
                          : assign_stages(w.graph, at.roles, in, &plan);
  }
  if (plan.regather != kNone) plan.regather_again = nodes_at(w.graph, at.phases);
  SpmdProgram program = partition(w.graph, w.factors, plan);
  return {at.analysed,        at.roles,          std::move(plan),
          std::move(program), at.next_temporary, at.expansions};
}

PlannedWindow plan_window(graph::Window window, const std::vector<graph::StorageId>& uploaded,
                          const Degrees& degrees, graph::StorageId first_temporary,
                          graph::SignatureTable* signatures) {
  return WindowPlanner(std::move(window), uploaded, first_temporary, signatures).plan(degrees);
}

}  // namespace moai::compiler
