#include "moai/compiler/planner/step_price.h"

#include <algorithm>
#include <map>

#include "moai/compiler/cost/rank_memory.h"

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
    std::ranges::stable_sort(all, std::greater(),
                             [](const WholeCalls& w) { return w.seconds + w.exchange_s; });
    return all;
  }

 private:
  bool is_exchange(const graph::Node& n) {
    if (n.kind != graph::NodeKind::kCall) return false;
    const auto [found, is_new] = exchanges_.try_emplace(n.signature);
    if (is_new) {
      found->second = cost::collective_call(signatures_.at(n.signature).signature()).has_value();
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

}  // namespace

StepPrice price_step(const RecordedStep& step, const PlannedWindow& planned, const Degrees& degrees,
                     const cluster::Cluster& cluster, const PriceOptions& options,
                     graph::SignatureTable* signatures) {
  const Analysed& a = *planned.analysed;
  const Lowering in{&a.window, &a.graph, &a.factors, &planned.program};
  std::vector<uint32_t> sources;
  const graph::Window program = lower_rank(in, 0, planned.next_temporary, signatures, &sources);
  const cost::Machine machine{.cluster = &cluster,
                              .axes = cost::axis_shapes(cluster, planned.program.mesh),
                              .kernels = options.kernels,
                              .collectives_overlap = options.collectives_overlap};
  const cost::StorageBytes begin = cost::rank_begin(in, 0, step.older);
  StepPrice price{.degrees = degrees,
                  .program = cost::price_program(program, *signatures, begin, machine)};
  price.fullest = roles_at(planned, program, price.program.fullest_after,
                           cost::StorageReplay(signatures, begin));
  price.fullest.workspace = price.program.memory_bytes_max - sum_of(price.fullest);
  Attribution attribution(planned, program, *signatures);
  for (uint32_t i = 0; i < program.nodes.size(); ++i) {
    attribution.add(i, sources[i], price.program.nodes[i], &price.slices);
  }
  price.whole = attribution.whole();
  return price;
}

}  // namespace moai::compiler
