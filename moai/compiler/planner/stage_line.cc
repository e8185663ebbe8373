#include "moai/compiler/planner/stage_line.h"

#include <algorithm>
#include <set>

#include "moai/compiler/analysis/factor_touch.h"
#include "moai/compiler/cost/call_work.h"

namespace moai::compiler {
namespace {

// What a byte of memory costs, in FLOPs: between that of processors and that of accelerators.
constexpr double kFlopsPerByte = 20;
// Bytes that the optimizer reads and writes for each of a weight.
constexpr double kOptimizerBytes = 7;

uint32_t max_place(uint32_t a, uint32_t b) {
  if (a == kNone || b == kNone) return a == kNone ? b : a;
  return std::max(a, b);
}
uint32_t min_place(uint32_t a, uint32_t b) {
  if (a == kNone || b == kNone) return a == kNone ? b : a;
  return std::min(a, b);
}

}  // namespace

StageLine::StageLine(const Dataflow& flow, const Roles& roles)
    : weight_at(flow.graph.segments.size(), kNone),
      node_at(flow.graph.nodes.size(), kNone),
      gradient_of(flow.graph.values.size(), kNone),
      flow_(flow),
      roles_(roles),
      used_last_(flow.graph.values.size(), kNone) {
  find_weights();
  place_forward();
  place_late();
  find_last_readers();
  find_gradients();
  place_backward();
  price();
}

void StageLine::find_weights() {
  for (NodeId n = 0; n < node_at.size(); ++n) {
    if (!is_forward(n)) continue;
    const auto written = [&](SegmentId s) {
      return std::ranges::any_of(flow_.made[n], [&](ValueId v) { return segment(v) == s; });
    };
    for (const ValueId v : flow_.read[n]) {
      const SegmentId s = segment(v);
      if (roles_.segments[s] != Role::kParameter || weight_at[s] != kNone || written(s)) continue;
      weight_at[s] = places;
      weights.push_back(s);
    }
    if (!weights.empty() && weight_at[weights.back()] == places) ++places;
  }
}

// Without a backward pass a window may go through the model several times, as when text is made:
// what reads a weight then stands there, whatever it goes on from.
void StageLine::place_forward() {
  const bool once = roles_.backward_begin != kNone;
  for (NodeId n = 0; n < node_at.size(); ++n) {
    if (!is_forward(n)) continue;
    uint32_t own = kNone, operands = kNone;
    for (const ValueId v : flow_.read[n]) {
      own = max_place(own, weight_at[segment(v)]);
      if (producer(v) != kNone) operands = max_place(operands, node_at[producer(v)]);
    }
    node_at[n] = once || own == kNone ? max_place(own, operands) : own;
  }
}

// What has no weight of its own stands with its readers, where what it reads goes to their place
// anyway: the parts of a norm in front of its weight, beside a residual.
void StageLine::place_late() {
  std::vector<uint32_t> late(node_at.size(), kNone);
  const auto by_readers = [&](NodeId n) {
    uint32_t first = kNone;
    for (const ValueId v : flow_.made[n]) {
      for (const NodeId r : flow_.readers[v]) {
        if (is_forward(r)) first = min_place(first, late[r] != kNone ? late[r] : node_at[r]);
      }
    }
    return first != kNone && first > node_at[n] ? first : kNone;
  };
  for (NodeId n = static_cast<NodeId>(node_at.size()); n-- > 0;) {
    if (!is_forward(n) || node_at[n] == kNone) continue;
    const bool weighs = std::ranges::any_of(
        flow_.read[n], [&](ValueId v) { return weight_at[segment(v)] != kNone; });
    if (!weighs) late[n] = by_readers(n);
  }
  // Whose readers do not follow does not either.
  for (bool changed = true; changed;) {
    changed = false;
    for (NodeId n = static_cast<NodeId>(node_at.size()); n-- > 0;) {
      if (late[n] == kNone) continue;
      const uint32_t now = by_readers(n);
      const uint32_t next = now != kNone && reads_late(n, now, late) ? now : kNone;
      changed |= next != late[n];
      late[n] = next;
    }
  }
  for (NodeId n = 0; n < node_at.size(); ++n) {
    if (late[n] != kNone) node_at[n] = late[n];
  }
}

// Whether all that the call reads is made at that place, or read there by others.
bool StageLine::reads_late(NodeId n, uint32_t at, const std::vector<uint32_t>& late) const {
  const auto place = [&](NodeId r) { return late[r] != kNone ? late[r] : node_at[r]; };
  return std::ranges::all_of(flow_.read[n], [&](ValueId v) {
    const NodeId from = producer(v);
    if (from == kNone || place(from) == kNone || place(from) >= at) return true;
    return std::ranges::any_of(flow_.readers[v], [&](NodeId r) {
      return r != n && is_forward(r) && place(r) != kNone && place(r) >= at;
    });
  });
}

// What depends on data alone counts for who reads it.
void StageLine::find_last_readers() {
  for (NodeId n = static_cast<NodeId>(node_at.size()); n-- > 0;) {
    if (!is_forward(n)) continue;
    uint32_t at = node_at[n];
    if (at == kNone) {
      for (const ValueId v : flow_.made[n]) at = max_place(at, used_last_[v]);
    }
    for (const ValueId v : flow_.read[n]) used_last_[v] = max_place(used_last_[v], at);
  }
}

// From weights back through the optimizer, along values of as many elements.
void StageLine::find_gradients() {
  const ValueGraph& g = flow_.graph;
  for (NodeId n = static_cast<NodeId>(node_at.size()); n-- > 0;) {
    if (roles_.nodes[n] != Slice::kOptimizer) continue;
    SegmentId weight = kNone;
    int64_t count = 0;
    for (const ValueId v : flow_.made[n]) {
      const SegmentId of = weight_at[segment(v)] != kNone ? segment(v) : gradient_of[v];
      if (of == kNone || g.segments[segment(v)].count < count) continue;
      weight = of;
      count = g.segments[segment(v)].count;
    }
    if (weight == kNone) continue;
    for (const std::vector<ValueId>* values : {&flow_.made[n], &flow_.read[n]}) {
      for (const ValueId v : *values) {
        const bool alike = g.segments[segment(v)].count == count;
        if (alike && weight_at[segment(v)] == kNone && gradient_of[v] == kNone) {
          gradient_of[v] = weight;
        }
      }
    }
  }
}

// What a backward call reads of the forward pass is what its forward call read or made, so it is
// used there or behind, as its gradients come from behind: the least place is the nearest.
void StageLine::place_backward() {
  std::vector<NodeId> open;
  for (NodeId n = 0; n < node_at.size(); ++n) {
    if (!is_backward(n)) continue;
    uint32_t forward = kNone, gradients = kNone;
    for (const ValueId v : flow_.read[n]) {
      const NodeId from = producer(v);
      if (from != kNone && is_backward(from)) {
        gradients = min_place(gradients, node_at[from]);
        continue;
      }
      if (from != kNone && !is_forward(from)) continue;
      const uint32_t made = from == kNone ? kNone : node_at[from];
      forward = min_place(forward, used_last_[v] != kNone ? used_last_[v] : made);
    }
    node_at[n] = forward == kNone ? gradients : min_place(forward, gradients);
    if (forward == kNone) open.push_back(n);
  }
  for (size_t i = open.size(); i-- > 0;) place_by_readers(open[i]);
}

// Of what reads nothing but gradients: a weight's gradient is made where the weight is, if what it
// is made from goes there anyway; what reads nothing at all runs where it is read.
void StageLine::place_by_readers(NodeId n) {
  uint32_t readers = kNone;
  bool is_weights = false;
  for (const ValueId v : flow_.made[n]) {
    for (const NodeId r : flow_.readers[v]) readers = max_place(readers, node_at[r]);
    if (gradient_of[v] == kNone) continue;
    is_weights = true;
    readers = max_place(readers, weight_at[gradient_of[v]]);
  }
  if (readers == kNone) return;
  if (node_at[n] == kNone) {
    node_at[n] = readers;
    return;
  }
  if (flow_.read[n].size() != 1 || readers >= node_at[n]) return;
  uint32_t least = kNone;
  for (const NodeId r : flow_.readers[flow_.read[n][0]]) {
    if (r != n) least = min_place(least, node_at[r]);
  }
  const double taken = segment_bytes(flow_.graph, segment(flow_.read[n][0]));
  double made = 0;
  for (const ValueId v : flow_.made[n]) made += segment_bytes(flow_.graph, segment(v));
  const bool crosses_anyway = least != kNone && least <= readers;
  if ((is_weights && crosses_anyway) || made > taken) node_at[n] = readers;
}

void StageLine::price() {
  const ValueGraph& g = flow_.graph;
  seconds.assign(places, 0);
  crossing_bytes.assign(places + 1, 0);
  node_seconds.assign(g.nodes.size(), 0);
  const auto add_seconds = [&](NodeId n) {
    const cost::CallWork w = cost::call_work(g.nodes[n].signature);
    node_seconds[n] = w.flops + kFlopsPerByte * static_cast<double>(w.bytes_read + w.bytes_written);
    seconds[node_at[n]] += node_seconds[n];
  };
  const auto cross = [&](uint32_t a, uint32_t b, double bytes) {
    for (uint32_t cut = std::min(a, b) + 1; cut <= std::max(a, b); ++cut) {
      crossing_bytes[cut] += bytes;
    }
  };
  for (NodeId n = 0; n < node_at.size(); ++n) {
    if (node_at[n] != kNone) add_seconds(n);
  }
  for (const SegmentId s : weights) {
    seconds[weight_at[s]] += kFlopsPerByte * kOptimizerBytes * segment_bytes(g, s);
  }
  for (ValueId v = 0; v < g.values.size(); ++v) {
    const NodeId from = producer(v);
    const uint32_t weight = weight_at[segment(v)];
    const uint32_t made = from == kNone || node_at[from] == kNone ? weight : node_at[from];
    if (made == kNone) continue;
    uint32_t first = made, last = made;
    for (const NodeId r : flow_.readers[v]) {
      if (node_at[r] == kNone) continue;
      first = std::min(first, node_at[r]);
      last = std::max(last, node_at[r]);
    }
    if (gradient_of[v] != kNone) {
      first = std::min(first, weight_at[gradient_of[v]]);
      last = std::max(last, weight_at[gradient_of[v]]);
    }
    if (first != last) cross(first, last, segment_bytes(g, segment(v)));
  }
}

}  // namespace moai::compiler
