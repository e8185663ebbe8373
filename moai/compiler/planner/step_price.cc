#include "moai/compiler/planner/step_price.h"

#include <algorithm>
#include <map>
#include <set>

#include "moai/compiler/cost/rank_memory.h"
#include "moai/compiler/planner/stage_run.h"
#include "moai/ops/started_call.h"

namespace moai::compiler {
namespace {

// By node of the window; calls alone have one.
std::vector<Slice> slices_of(const PlannedWindow& planned) {
  std::vector<Slice> slices(planned.analysed->window.nodes.size(), Slice::kForward);
  const ValueGraph& g = planned.analysed->graph;
  for (NodeId n = 0; n < g.nodes.size(); ++n) slices[g.nodes[n].source] = planned.roles.nodes[n];
  return slices;
}

RoleBytes roles_at(const PlannedWindow& planned, const graph::Window& program, uint32_t after,
                   cost::StorageReplay replay) {
  for (uint32_t i = 0; i < after; ++i) replay.run_reusing(program, i);
  std::map<graph::StorageId, Role> roles;
  const ValueGraph& g = planned.analysed->graph;
  for (SegmentId s = 0; s < g.segments.size(); ++s) {
    roles.try_emplace(g.segments[s].storage, planned.roles.segments[s]);
  }
  RoleBytes sum;
  for (const auto& [id, bytes] : replay.live().storages()) {
    const auto found = roles.find(id);
    const Role role = found == roles.end() ? Role::kTemporary : found->second;
    (role == Role::kParameter || role == Role::kBuffer ? sum.parameters
     : role == Role::kState                            ? sum.state
     : role == Role::kGradient                         ? sum.gradients
     : role == Role::kData || role == Role::kConstant  ? sum.data
                                                       : sum.others) += bytes;
  }
  return sum;
}

uint64_t sum_of(const RoleBytes& r) {
  return r.parameters + r.state + r.gradients + r.data + r.others;
}

class Attribution {
 public:
  Attribution(const PlannedWindow& planned, const graph::Window& program,
              const graph::SignatureTable& signatures)
      : planned_(planned), program_(program), signatures_(signatures), slices_(slices_of(planned)) {
    for (const NodeId n : planned.analysed->factors.unknown()) {
      const ValueNode& node = planned.analysed->graph.nodes[n];
      WholeCalls& w = whole_[{node.signature.op, node.line}];
      w.op = node.signature.op + (node.signature.overload.empty() ? "" : ".") +
             node.signature.overload;
      w.line = node.line;
      ++w.calls;
      unknown_[node.source] = &w;
    }
  }

  void add(uint32_t at, uint32_t source, const cost::NodePrice& price, SliceSeconds* seconds) {
    const bool exchange = is_exchange(program_.nodes[at]);
    const auto unknown = unknown_.find(source);
    if (unknown != unknown_.end()) {
      (exchange ? unknown->second->exchange_s : unknown->second->seconds) += price.exposed_s;
    }
    if (exchange) {
      seconds->exchange_s += price.exposed_s;
    } else if (slices_[source] == Slice::kForward) {
      seconds->forward_s += price.exposed_s;
    } else if (slices_[source] == Slice::kBackward) {
      seconds->backward_s += price.exposed_s;
    } else {
      seconds->optimizer_s += price.exposed_s;
    }
  }

  std::vector<WholeCalls> whole() const {
    std::vector<WholeCalls> all;
    for (const auto& [key, w] : whole_) all.push_back(w);
    return all;
  }

 private:
  bool is_exchange(const graph::Node& n) {
    if (n.kind != graph::NodeKind::kCall) return false;
    const auto [found, is_new] = exchanges_.try_emplace(n.signature);
    if (is_new) {
      const ops::CallSignature s = signatures_.at(n.signature).signature();
      found->second = ops::is_wait(s) || cost::collective_call(s).has_value();
    }
    return found->second;
  }

  const PlannedWindow& planned_;
  const graph::Window& program_;
  const graph::SignatureTable& signatures_;
  const std::vector<Slice> slices_;
  std::map<std::pair<std::string, graph::LineId>, WholeCalls> whole_;
  std::map<uint32_t, WholeCalls*> unknown_;  // by node of the window
  std::map<graph::SignatureId, bool> exchanges_;
};

// A stage's program, or that of all, with its price.
struct Part {
  graph::Window program{};
  std::vector<uint32_t> sources{};
  cost::StorageBytes begin{};
  cost::ProgramPrice price{};
};

class Pricing {
 public:
  Pricing(const RecordedStep& step, const PlannedWindow& planned, const cluster::Cluster& cluster,
          const PriceOptions& options, graph::SignatureTable* signatures)
      : planned_(planned), signatures_(*signatures) {
    const Analysed& a = *planned.analysed;
    const Lowering in{&a.window, &a.graph, &a.factors, &planned.program};
    const Mesh& mesh = planned.program.mesh;
    const cost::Machine machine{.cluster = &cluster,
                                .axes = cost::axis_shapes(cluster, mesh),
                                .kernels = options.kernels,
                                .overlap = options.overlap,
                                .tensor_axis = mesh.axis("tp")};
    for (int stage = 0; stage < mesh.stages(); ++stage) {
      const int rank = stage * mesh.stage_ranks();
      Part& p = parts_.emplace_back();
      p.program = lower_rank(in, rank, planned.next_temporary, signatures, &p.sources);
      p.begin = cost::rank_begin(in, rank, step.older);
      p.price = cost::price_program(p.program, *signatures, p.begin, machine);
    }
  }

  StepPrice run(const Degrees& degrees) {
    std::vector<StageCalls> calls;
    for (const Part& p : parts_) calls.push_back({&p.program, p.price.nodes});
    // Ranks' programs are parts of one order, in which what is received was sent before.
    const std::vector<StageTime> times = run_stages(calls, signatures_).value();
    StepPrice price{.degrees = degrees, .program = parts_[0].price};
    price.program.step_s = 0;
    for (size_t s = 0; s < parts_.size(); ++s) {
      price.stages.push_back(stage(parts_[s], times[s], &price.whole));
      const StagePrice& now = price.stages.back();
      if (s == 0 || times[s].end_s > price.program.step_s) {
        price.program.step_s = times[s].end_s;
        price.slices = now.slices;
      }
      if (s == 0 || now.memory_bytes > price.program.memory_bytes_max) {
        price.program.memory_bytes_max = now.memory_bytes;
        price.program.begin_bytes = parts_[s].price.begin_bytes;
        price.program.storage_bytes_max = parts_[s].price.storage_bytes_max;
        price.fullest = now.fullest;
      }
      add_counts(parts_[s].price, &price.program);
    }
    std::ranges::stable_sort(price.whole, std::greater(),
                             [](const WholeCalls& w) { return w.seconds + w.exchange_s; });
    return price;
  }

 private:
  StagePrice stage(const Part& p, const StageTime& time, std::vector<WholeCalls>* whole) const {
    StagePrice out{.memory_bytes = p.price.memory_bytes_max};
    out.fullest = roles_at(planned_, p.program, p.price.fullest_after,
                           cost::StorageReplay(&signatures_, p.begin));
    out.fullest.workspace = out.memory_bytes - sum_of(out.fullest);
    Attribution attribution(planned_, p.program, signatures_);
    for (uint32_t i = 0; i < p.program.nodes.size(); ++i) {
      cost::NodePrice price = p.price.nodes[i];
      price.exposed_s = time.exposed_s[i];
      attribution.add(i, p.sources[i], price, &out.slices);
    }
    out.slices.exchange_s -= time.waited_s;
    out.slices.idle_s = time.waited_s;
    merge(attribution.whole(), whole);
    out.weights = weights(p);
    return out;
  }
  size_t weights(const Part& p) const {
    std::set<graph::StorageId> found;
    const ValueGraph& g = planned_.analysed->graph;
    for (SegmentId s = 0; s < g.segments.size(); ++s) {
      if (planned_.roles.segments[s] != Role::kParameter) continue;
      if (p.begin.contains(g.segments[s].storage)) found.insert(g.segments[s].storage);
    }
    return found.size();
  }
  // Of the stages that run an operator the dearest counts.
  static void merge(std::vector<WholeCalls> more, std::vector<WholeCalls>* all) {
    for (WholeCalls& w : more) {
      const auto same = std::ranges::find_if(
          *all, [&](const WholeCalls& other) { return other.op == w.op && other.line == w.line; });
      if (same == all->end()) {
        all->push_back(std::move(w));
      } else if (w.seconds + w.exchange_s > same->seconds + same->exchange_s) {
        *same = std::move(w);
      }
    }
  }
  static void add_counts(const cost::ProgramPrice& p, cost::ProgramPrice* most) {
    most->compute_s = std::max(most->compute_s, p.compute_s);
    most->collective_s = std::max(most->collective_s, p.collective_s);
    most->flops = std::max(most->flops, p.flops);
    most->calls = std::max(most->calls, p.calls);
    most->collectives = std::max(most->collectives, p.collectives);
    most->received_bytes = std::max(most->received_bytes, p.received_bytes);
    for (size_t a = 0; a < most->axes.size(); ++a) {
      if (p.axes[a].received_bytes > most->axes[a].received_bytes) most->axes[a] = p.axes[a];
    }
  }

  const PlannedWindow& planned_;
  const graph::SignatureTable& signatures_;
  std::vector<Part> parts_;  // by stage
};

}  // namespace

StepPrice price_step(const RecordedStep& step, const PlannedWindow& planned, const Degrees& degrees,
                     const cluster::Cluster& cluster, const PriceOptions& options,
                     graph::SignatureTable* signatures) {
  return Pricing(step, planned, cluster, options, signatures).run(degrees);
}

}  // namespace moai::compiler
