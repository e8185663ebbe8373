#include "moai/compiler/analysis/roles.h"

#include <algorithm>
#include <set>

#include "moai/compiler/analysis/batch_factors.h"
#include "moai/compiler/analysis/factor_touch.h"

namespace moai::compiler {
namespace {

class Finder {
 public:
  Finder(const ValueGraph& g, const Factors& factors, const std::vector<graph::StorageId>& uploaded)
      : graph_(g), factors_(factors), flow_(g), forward_(forward_products(flow_, factors)) {
    out_.segments.resize(g.segments.size());
    out_.nodes.resize(g.nodes.size());
    out_.multiplied = forward_.operands;
    const std::set<graph::StorageId> storages(uploaded.begin(), uploaded.end());
    uploaded_.resize(g.segments.size());
    for (SegmentId s = 0; s < g.segments.size(); ++s) {
      uploaded_[s] = storages.contains(g.segments[s].storage);
    }
  }

  Roles run() {
    find_reach();
    find_parameters(true);
    find_batch();
    find_parameters(false);
    find_optimizer();
    find_gradients();
    find_state();
    find_backward();
    find_inputs();
    return std::move(out_);
  }

 private:
  SegmentId segment(ValueId v) const { return graph_.values[v].segment; }
  bool is(SegmentId s, Role role) const { return out_.segments[s] == role; }
  bool has_any(SegmentId s, const std::vector<FactorId>& of) const {
    return std::ranges::any_of(of, [&](FactorId f) { return has_factor(factors_, s, f); });
  }
  bool has_data(SegmentId s) const { return has_any(s, out_.batch) || has_any(s, out_.sequence); }
  bool is_last(ValueId v) const { return flow_.written[segment(v)] && last_[segment(v)] == v; }

  // Which calls a forward product depends on, other than through what the window keeps.
  void find_reach() {
    last_.assign(graph_.segments.size(), kNone);
    for (const ValueId v : graph_.outputs) last_[segment(v)] = v;
    first_.assign(graph_.segments.size(), kNone);
    for (ValueId v = 0; v < graph_.values.size(); ++v) {
      if (graph_.values[v].version == 1) first_[segment(v)] = v;
    }
    reaches_.resize(graph_.nodes.size());
    depends_.resize(graph_.nodes.size());
    for (NodeId n = 0; n < graph_.nodes.size(); ++n) {
      depends_[n] = flow_.flops[n] > 0 || std::ranges::any_of(flow_.read[n], [&](ValueId v) {
                      const NodeId from = graph_.values[v].producer;
                      return from != kNone && depends_[from];
                    });
    }
    for (NodeId n = static_cast<NodeId>(graph_.nodes.size()); n-- > 0;) {
      reaches_[n] = forward_.nodes[n] || std::ranges::any_of(flow_.made[n], [&](ValueId v) {
                      const SegmentId s = segment(v);
                      return !(flow_.input[s] && flow_.written[s]) && any_reader(v, reaches_);
                    });
    }
  }
  bool any_reader(ValueId v, const std::vector<bool>& of) const {
    return std::ranges::any_of(flow_.readers[v], [&](NodeId r) { return of[r]; });
  }
  bool writes(NodeId n, SegmentId s) const {
    return std::ranges::any_of(flow_.made[n], [&](ValueId v) { return segment(v) == s; });
  }

  // Written after a forward product depended on them. What the window makes itself may be one, but
  // not with a batch.
  void find_parameters(bool inputs) {
    for (ValueId v = 0; v < graph_.values.size(); ++v) {
      const SegmentId s = segment(v);
      if (!flow_.written[s] || last_[s] == v || flow_.input[s] != inputs) continue;
      if (!inputs && (has_data(s) || depends_on_product(v))) continue;
      const bool forward = std::ranges::any_of(
          flow_.readers[v], [&](NodeId r) { return reaches_[r] && !writes(r, s); });
      if (forward && depends_on_product(last_[s])) out_.segments[s] = Role::kParameter;
    }
  }
  bool in_optimizer(ValueId v) const {
    const NodeId n = graph_.values[v].producer;
    return n != kNone && out_.nodes[n] == Slice::kOptimizer;
  }
  bool depends_on_product(ValueId v) const {
    const NodeId n = graph_.values[v].producer;
    return n != kNone && depends_[n];
  }

  // From what was uploaded; where that says nothing, from whatever is only read.
  void find_batch() {
    BatchSearch search{.flow = &flow_, .factors = &factors_, .forward = &forward_};
    for (SegmentId s = 0; s < graph_.segments.size(); ++s) {
      if (is(s, Role::kParameter)) {
        search.excluded.push_back(s);
      } else if (uploaded_[s]) {
        search.given.push_back(s);
      }
    }
    BatchFactors found = batch_factors(search);
    if (found.batch.empty()) {
      search.given.clear();
      for (ValueId v = 0; v < graph_.values.size(); ++v) {
        const SegmentId s = segment(v);
        const NodeId n = graph_.values[v].producer;
        const bool given = n == kNone ? !flow_.written[s] : flow_.read[n].empty();
        if (given && !is(s, Role::kParameter)) search.given.push_back(s);
      }
      found = batch_factors(search);
    }
    out_.batch = std::move(found.batch);
    out_.sequence = std::move(found.sequence);
  }

  // ---- slices

  // A suffix of the dataflow: all that depends on its calls is in it.
  void find_optimizer() {
    const size_t count = graph_.nodes.size();
    std::vector<bool> may(count), writes_parameter(count);
    for (NodeId n = static_cast<NodeId>(count); n-- > 0;) {
      const bool has_batch =
          std::ranges::any_of(flow_.read[n], [&](ValueId v) { return has_data(segment(v)); });
      may[n] = flow_.flops[n] == 0 && !has_batch;
      for (const ValueId v : flow_.made[n]) {
        may[n] = may[n] && std::ranges::all_of(flow_.readers[v], [&](NodeId r) { return may[r]; });
        const bool is_end = is_last(v) && is(segment(v), Role::kParameter);
        if (is_end || any_reader(v, writes_parameter)) writes_parameter[n] = true;
      }
    }
    std::vector<bool> after(count);
    for (NodeId n = 0; n < count; ++n) {
      bool optimizer = may[n] && writes_parameter[n];
      for (const ValueId v : flow_.read[n]) {
        const NodeId from = graph_.values[v].producer;
        optimizer |= may[n] && from != kNone && after[from];
      }
      after[n] = optimizer;
      if (optimizer) out_.nodes[n] = Slice::kOptimizer;
    }
    left_to_optimizer_.resize(graph_.values.size());
    for (ValueId v = 0; v < graph_.values.size(); ++v) {
      const NodeId n = graph_.values[v].producer;
      left_to_optimizer_[v] = n != kNone && depends_[n] && !after[n] && any_reader(v, after);
    }
  }

  void find_gradients() {
    std::set<std::vector<FactorId>> weights;
    for (SegmentId s = 0; s < graph_.segments.size(); ++s) {
      if (factors_.of(s).empty() || has_data(s)) continue;
      const bool read = flow_.input[s] && !flow_.written[s];
      if (read || is(s, Role::kParameter)) weights.insert(sorted(s));
    }
    for (ValueId v = 0; v < graph_.values.size(); ++v) {
      const SegmentId s = segment(v);
      if (!is(s, Role::kTemporary) || factors_.of(s).empty() || has_data(s)) continue;
      const bool sums = flow_.input[s] ? is_sum(v) : depends_on_product(first_[s]);
      const bool leaves = is_last(v) && weights.contains(sorted(s)) && sums;
      if (left_to_optimizer_[v] || leaves) out_.segments[s] = Role::kGradient;
    }
    for (ValueId v = 0; v < graph_.values.size(); ++v) {
      if (is(segment(v), Role::kTemporary) && is_sum(v)) {
        out_.segments[segment(v)] = Role::kGradient;
      }
    }
  }
  std::vector<FactorId> sorted(SegmentId s) const {
    std::vector<FactorId> list = factors_.of(s);
    std::ranges::sort(list);
    return list;
  }
  // Whether the value is the first that the window makes of a segment by adding a gradient to it.
  bool is_sum(ValueId v) const {
    const SegmentId s = segment(v);
    const NodeId n = graph_.values[v].producer;
    if (n == kNone || !flow_.input[s] || graph_.values[v].version != 1) return false;
    if (factors_.of(s).empty()) return false;
    if (!graph_.nodes[n].signature.op.ends_with("add_")) return false;
    return std::ranges::any_of(flow_.read[n], [&](ValueId r) {
      const bool gradient = in_optimizer(v) ? left_to_optimizer_[r] : depends_on_product(r);
      return segment(r) != s && gradient && sorted(segment(r)) == sorted(s);
    });
  }

  void find_state() {
    for (const ValueId v : graph_.outputs) {
      const SegmentId s = segment(v);
      if (!is(s, Role::kTemporary)) continue;
      if (!flow_.input[s] && !in_optimizer(v)) continue;
      out_.segments[s] = in_optimizer(v) ? Role::kState : Role::kBuffer;
    }
  }

  // Forward is what forward products, losses and other results depend on.
  void find_backward() {
    const size_t count = graph_.nodes.size();
    std::vector<bool> forward(count), gradients(count);
    for (NodeId n = static_cast<NodeId>(count); n-- > 0;) {
      if (out_.nodes[n] == Slice::kOptimizer) continue;
      forward[n] = forward_.nodes[n];
      for (const ValueId v : flow_.made[n]) {
        const SegmentId s = segment(v);
        const bool gradient = is(s, Role::kGradient);
        const bool result = is_last(v) || (factors_.of(s).empty() && !graph_.segments[s].opaque);
        if (flow_.readers[v].empty() && result && !gradient) forward[n] = true;
        if (any_reader(v, forward)) forward[n] = true;
        if (gradient || any_reader(v, gradients)) gradients[n] = true;
      }
    }
    for (NodeId n = 0; n < count; ++n) {
      if (out_.nodes[n] == Slice::kOptimizer || forward[n] || !gradients[n]) continue;
      out_.nodes[n] = Slice::kBackward;
      if (out_.backward_begin == kNone && depends_[n]) out_.backward_begin = n;
    }
  }

  // ---- what is only read

  void find_inputs() {
    for (const ValueId v : graph_.inputs) {
      const SegmentId s = segment(v);
      if (!is(s, Role::kTemporary)) continue;
      if (uploaded_[s] || has_any(s, out_.batch)) {
        out_.segments[s] = Role::kData;
      } else if (forward_.operands[s] || is_table(v)) {
        out_.segments[s] = Role::kParameter;
      } else {
        out_.segments[s] = Role::kConstant;
      }
    }
  }
  bool is_table(ValueId v) const {
    return std::ranges::any_of(flow_.readers[v], [&](NodeId n) {
      return std::ranges::any_of(factors_.of(segment(v)), [&](FactorId f) {
        return factor_touch(graph_, factors_, n, f).kind == FactorTouch::Kind::kIndexed;
      });
    });
  }

  const ValueGraph& graph_;
  const Factors& factors_;
  const Dataflow flow_;
  const ForwardProducts forward_;
  std::vector<bool> uploaded_;           // by segment
  std::vector<ValueId> first_, last_;    // by segment: made in the window
  std::vector<bool> reaches_, depends_;  // by node: a forward product, on any product
  std::vector<bool> left_to_optimizer_;  // by value
  Roles out_;
};

}  // namespace

Roles find_roles(const ValueGraph& g, const Factors& factors,
                 const std::vector<graph::StorageId>& uploaded) {
  return Finder(g, factors, uploaded).run();
}

}  // namespace moai::compiler
