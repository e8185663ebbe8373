#include "moai/compiler/passes/micro_batches.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <string_view>

#include "moai/compiler/analysis/learned_values.h"
#include "moai/compiler/lower/local_call.h"
#include "moai/compiler/lower/lower_in_time.h"
#include "moai/compiler/passes/expand_calls.h"
#include "moai/compiler/planner/plan_window.h"
#include "moai/compiler/sharding/skipped_region.h"
#include "moai/compiler/verify/verify.h"
#include "moai/compiler/verify/verify_in_time.h"
#include "moai/ops/sharding/counted_loss.h"

namespace moai::compiler {
namespace {

using graph::NodeKind;
using graph::StorageId;

// Calls whose count of targets the backward part would wait for.
std::vector<uint32_t> counting_calls(const graph::Window& w,
                                     const graph::SignatureTable& signatures) {
  std::vector<uint32_t> found;
  for (uint32_t i = 0; i < w.nodes.size(); ++i) {
    if (w.nodes[i].kind != NodeKind::kCall) continue;
    if (ops::counted_loss(signatures.at(w.nodes[i].signature).signature())) {
      found.push_back(i);
    }
  }
  return found;
}

class MicroBatching {
 public:
  MicroBatching(const MicroBatchInput& in, graph::SignatureTable* signatures)
      : in_(in), signatures_(*signatures), window_(*in.window), emitted_(*in.window) {
    if (!in.words.empty()) emitted_.words = in.words;
    sources_.resize(window_.nodes.size());
    std::iota(sources_.begin(), sources_.end(), 0);
  }

  MicroBatched run() {
    if (in_.microbatches <= 1) return as_it_is();
    const std::vector<uint32_t> counting = counting_calls(window_, signatures_);
    const StorageId first = in_.first_temporary;
    window_ = expand_calls(window_, counting, first, &signatures_, nullptr, ops::counted_loss);
    expand(counting, first, ops::counted_loss);
    plan();
    return lower();
  }

 private:
  MicroBatched as_it_is() const {
    MicroBatched out{.window = emitted_, .next_temporary = in_.first_temporary};
    for (uint32_t i = 0; i < window_.nodes.size(); ++i) {
      out.origins.push_back(
          {.source = i, .backward = !in_.order.backward.empty() && in_.order.backward[i]});
    }
    return out;
  }

  // What is emitted, with the nodes of the window that its own come from.
  void expand(const std::vector<uint32_t>& calls, StorageId first, const Expand& how) {
    std::vector<uint32_t> from;
    emitted_ = expand_calls(emitted_, calls, first, &signatures_, &from, how);
    for (uint32_t& source : from) source = sources_[source];
    sources_ = std::move(from);
  }

  void plan() {
    PlannerInput input{.uploaded = in_.uploaded, .first_temporary = in_.first_temporary};
    input.adjust = [](const Analysed&, const Roles&, LayoutPlan* plan) {
      plan->mesh.axes[0].name = "time";
      plan->bundles.bytes_max = 0;
    };
    planned_ = WindowPlanner(window_, std::move(input), &signatures_)
                   .plan(Degrees{.dp = in_.microbatches});
    for (const ExpandedCalls& e : planned_.expansions) {
      expand(e.calls, e.first_temporary, ops::expand);
    }
  }

  uint32_t source(NodeId n) const { return sources_[planned_.analysed->graph.nodes[n].source]; }
  NodeTask task(NodeId n) const {
    const uint32_t at = source(n);
    NodeTask t;
    if (!in_.order.stages.empty()) t.stage = in_.order.stages[at];
    t.backward = in_.order.backward.empty() ? planned_.roles.nodes[n] != Slice::kForward
                                            : in_.order.backward[at];
    return t;
  }
  TimeTasks tasks() const {
    TimeTasks tasks;
    for (NodeId n = 0; n < planned_.analysed->graph.nodes.size(); ++n) {
      tasks.nodes.push_back(task(n));
    }
    for (const TimeTask& t : in_.order.tasks) {
      tasks.order.push_back({{t.stage, t.backward}, t.microbatch});
    }
    if (!tasks.order.empty()) return tasks;
    for (int k = 0; k < in_.microbatches; ++k) {
      for (const bool backward : {false, true}) tasks.order.push_back({{0, backward}, k});
    }
    return tasks;
  }

  MicroBatched lower() {
    const Analysed& w = *planned_.analysed;
    Lowering lowering{&emitted_, &w.graph, &w.factors, &planned_.program, {}};
    const TimeTasks tasks = this->tasks();
    InTime in_time = lower_in_time(lowering, tasks, planned_.next_temporary, &signatures_);
    MicroBatched out{.next_temporary = in_time.next_temporary};
    if (in_.mistake) in_.mistake(&in_time.window);
    out.verified = check(lowering, in_time.window);
    for (const InTime::Origin& o : in_time.origins) {
      NodeOrigin origin{.source = 0, .microbatch = o.microbatch};
      if (o.node != kNone) {
        origin.source = source(o.node);
        origin.backward = tasks.nodes[o.node].backward;
      }
      out.origins.push_back(origin);
    }
    std::set<std::pair<int, bool>> begun;
    for (uint32_t i = 0; i < out.origins.size(); ++i) {
      const NodeOrigin& o = out.origins[i];
      if (o.microbatch == NodeOrigin::kOnce) continue;
      if (begun.insert({o.microbatch, o.backward}).second) out.phases.push_back(i);
    }
    out.window = std::move(in_time.window);
    describe_barriers(in_time.awaited, &out);
    describe_wholes(&out);
    for (NodeId n = 0; n < w.graph.nodes.size(); ++n) {
      for (const uint32_t word : w.factors.rule(n).rule.assumed_words) {
        out.assumed.push_back(emitted_.words[w.graph.nodes[n].words[word]]);
      }
    }
    return out;
  }

  Status check(const Lowering& lowering, const graph::Window& in_time) {
    std::vector<graph::Window> virtual_windows;
    for (int k = 0; k < in_.microbatches; ++k) {
      virtual_windows.push_back(lower_rank(lowering, k, planned_.next_temporary, &signatures_));
    }
    MOAI_RETURN_IF_ERROR(verify(lowering, virtual_windows, signatures_));
    return verify_in_time(lowering, virtual_windows, in_time, signatures_);
  }

  // What is summed of data alone needs no more than the data.
  void describe_barriers(const std::vector<InTime::Awaited>& awaited, MicroBatched* out) const {
    const ValueGraph& g = planned_.analysed->graph;
    const std::vector<bool> depends = learned_values(g, planned_.roles);
    for (const InTime::Awaited& a : awaited) {
      if (!depends[a.value]) continue;
      const graph::Node& recorded = in_.window->nodes[source(a.reader)];
      TimeBarrier barrier{.source = source(a.reader),
                          .op = signatures_.at(recorded.signature).signature().op,
                          .line = recorded.line};
      const auto same = [&](const TimeBarrier& b) { return b.source == barrier.source; };
      if (std::ranges::none_of(out->barriers, same)) out->barriers.push_back(std::move(barrier));
    }
  }
  void describe_wholes(MicroBatched* out) const {
    const ValueGraph& g = planned_.analysed->graph;
    std::set<SegmentId> found;
    for (const auto* list : {&planned_.program.inputs, &planned_.program.outputs}) {
      for (const RegisterId r : *list) {
        const Register& at = planned_.program.registers[r];
        const SegmentId s = g.values[at.value].segment;
        if (!at.placement[0].split() || !found.insert(s).second) continue;
        out->wholes.push_back(
            {g.segments[s].storage,
             dense_geometry(g.segments[s].dtype, {g.segments[s].count}, g.segments[s].begin)});
      }
    }
  }

  const MicroBatchInput& in_;
  graph::SignatureTable& signatures_;
  graph::Window window_;   // as it is analysed
  graph::Window emitted_;  // the same with the words that are emitted
  std::vector<uint32_t> sources_;
  PlannedWindow planned_;
};

}  // namespace

MicroBatched micro_batches(const MicroBatchInput& in, graph::SignatureTable* signatures) {
  return MicroBatching(in, signatures).run();
}

MicroBatchCount microbatches_for(const graph::Window& w,
                                 const std::vector<graph::StorageId>& uploaded, int microbatches,
                                 int64_t size, const graph::SignatureTable& signatures) {
  if (microbatches <= 1) return {};
  const Analysed analysed(w, signatures);
  const Roles roles = find_roles(analysed.graph, analysed.factors, uploaded);
  int64_t batch = 0;  // what all micro-batches of all batches of the window divide
  for (const FactorId f : roles.batch) batch = std::gcd(batch, analysed.factors.size(f));
  if (cuts_region(w, signatures)) return {};
  const bool trains = std::ranges::find(roles.nodes, Slice::kBackward) != roles.nodes.end();
  if (batch <= 1 || !trains) return {};
  const int64_t rows = size > 0 ? size : (batch + microbatches - 1) / microbatches;
  int64_t count = (batch + rows - 1) / rows;
  while (batch % count != 0) ++count;
  return {static_cast<int>(count), batch / count};
}

}  // namespace moai::compiler
