#include "moai/compiler/search/microbatch_windows.h"

#include <algorithm>

#include "moai/compiler/analysis/learned_values.h"
#include "moai/compiler/cost/collective_call.h"
#include "moai/compiler/lower/lower_rank.h"
#include "moai/compiler/passes/expand_calls.h"
#include "moai/compiler/passes/micro_batches.h"
#include "moai/compiler/passes/recompute.h"
#include "moai/ops/sharding/counted_loss.h"

namespace moai::compiler {
namespace {

using graph::StorageId;

// By node, whether the backward part needs what it makes, or it is of it.
std::vector<bool> needed_backward(const PlannedWindow& planned) {
  const ValueGraph& g = planned.analysed->graph;
  std::vector<bool> nodes(g.nodes.size()), values(g.values.size());
  for (NodeId n = static_cast<NodeId>(nodes.size()); n-- > 0;) {
    const ValueNode& node = g.nodes[n];
    nodes[n] = planned.roles.nodes[n] == Slice::kBackward;
    for (const std::vector<Use>* uses : {&node.results, &node.operands}) {
      for (const Use& u : *uses) nodes[n] = nodes[n] || (u.made != kNone && values[u.made]);
    }
    if (!nodes[n]) continue;
    for (const Use& u : node.operands) {
      if (u.value != kNone) values[u.value] = true;
    }
  }
  return nodes;
}

// Whether a micro-batch needs others before its gradients are made.
bool waits(const PlannedWindow& planned) {
  const std::vector<bool> learned = learned_values(planned.analysed->graph, planned.roles);
  const std::vector<bool> needed = needed_backward(planned);
  return std::ranges::any_of(planned.program.steps, [&](const Step& step) {
    const auto* m = std::get_if<MoveStep>(&step);
    if (!m || m->kind == MoveKind::kSlice || m->kind == MoveKind::kMask) return false;
    return m->reader != kNone && planned.roles.nodes[m->reader] != Slice::kOptimizer &&
           needed[m->reader] && learned[planned.program.registers[m->from].value];
  });
}

// The window without what ranks add up; nothing where they exchange something else.
std::optional<graph::Window> without_sums(const graph::Window& w,
                                          const graph::SignatureTable& signatures) {
  graph::Window out;
  std::unordered_map<graph::SignatureId, std::optional<cost::CollectiveCall>> known;
  for (const graph::Node& n : w.nodes) {
    const auto ids = w.storages_of(n);
    if (n.kind == graph::NodeKind::kAlloc) out.alloc(ids[0], w.words_of(n)[0]);
    if (n.kind == graph::NodeKind::kResize) out.resize(ids[0], w.words_of(n)[0]);
    if (n.kind == graph::NodeKind::kFree) out.free(ids[0]);
    if (n.kind != graph::NodeKind::kCall) continue;
    const auto [at, is_new] = known.try_emplace(n.signature);
    if (is_new) at->second = cost::collective_call(signatures.at(n.signature).signature());
    if (!at->second) {
      out.call(n.signature, ids, w.words_of(n), n.line);
    } else if (at->second->kind != cluster::Collective::kAllReduce) {
      return std::nullopt;
    }
  }
  return out;
}

}  // namespace

struct MicrobatchWindows::Again {
  graph::Window window{};  // with marks
  StorageId next_temporary = 0;
  std::vector<bool> calls{};
  std::unique_ptr<WindowPlanner> in_time{};
};

MicrobatchWindows::MicrobatchWindows(const ModelLine* line) : line_(*line) {}
MicrobatchWindows::~MicrobatchWindows() = default;

MicrobatchWindows::Again& MicrobatchWindows::made_again(Recompute how) {
  std::unique_ptr<Again>& at = again_[how];
  if (at) return *at;
  at = std::make_unique<Again>();
  const graph::Window& w = line_.window();
  for (const StorageId id : w.storages) {
    at->next_temporary = std::max(at->next_temporary, id + 1);
  }
  at->window = w;
  at->calls.resize(w.nodes.size());
  if (how == Recompute::kNone) return *at;
  Recomputed made =
      recompute(w, {}, line_.step().uploaded, how, at->next_temporary, line_.signatures());
  if (!made.verified.ok()) return *at;
  at->next_temporary = made.next_temporary;
  for (uint32_t i = 0; i < made.window.nodes.size(); ++i) {
    graph::Node& n = made.window.nodes[i];
    if (n.kind != graph::NodeKind::kCall) continue;
    const uint32_t source = made.sources[i];
    const bool again = made.backward[i] && line_.call(source).slice == Slice::kForward;
    n.line = ModelLine::mark(source, again);
    if (again) at->calls[source] = true;
  }
  at->window = std::move(made.window);
  return *at;
}

const std::vector<bool>& MicrobatchWindows::again(Recompute recompute) {
  return made_again(recompute).calls;
}

std::optional<graph::Window> MicrobatchWindows::part(Again* again, int m) const {
  if (m == 1) return again->window;
  if (!again->in_time) {
    std::vector<uint32_t> counting;
    const graph::Window& w = again->window;
    for (uint32_t i = 0; i < w.nodes.size(); ++i) {
      if (w.nodes[i].kind != graph::NodeKind::kCall) continue;
      const auto s = line_.signatures().at(w.nodes[i].signature).signature();
      if (ops::counted_loss(s)) counting.push_back(i);
    }
    again->in_time = std::make_unique<WindowPlanner>(
        expand_calls(w, counting, again->next_temporary, &line_.signatures(), nullptr,
                     ops::counted_loss),
        line_.step().uploaded, again->next_temporary, &line_.signatures());
  }
  const PlannedWindow planned = again->in_time->plan(Degrees{.dp = m});
  if (waits(planned)) return std::nullopt;
  const Analysed& a = *planned.analysed;
  const Lowering in{&a.window, &a.graph, &a.factors, &planned.program};
  return without_sums(lower_rank(in, 0, planned.next_temporary, &line_.signatures()),
                      line_.signatures());
}

bool MicrobatchWindows::has(int microbatches, Recompute how) const {
  return (microbatches == 1 && how == Recompute::kNone) || planners_.contains({microbatches, how});
}

std::vector<int> MicrobatchWindows::made(Recompute how) const {
  std::vector<int> counts;
  for (const auto& [of, planner] : planners_) {
    if (of.second == how && of.first > 1 && planner) counts.push_back(of.first);
  }
  return counts;
}

WindowPlanner* MicrobatchWindows::of(int microbatches, Recompute how) {
  if (microbatches == 1 && how == Recompute::kNone) return &line_.planner();
  const auto [at, is_new] = planners_.try_emplace(std::pair{microbatches, how});
  if (!is_new) return at->second.get();
  auto window = part(&made_again(how), microbatches);
  if (window) {
    at->second = std::make_unique<WindowPlanner>(
        std::move(*window),
        PlannerInput{
            .uploaded = line_.step().uploaded, .first_temporary = 1, .overlaps = line_.overlaps()},
        &line_.signatures());
  }
  return at->second.get();
}

}  // namespace moai::compiler
