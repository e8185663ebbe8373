#include "moai/compiler/sharding/skipped_region.h"

#include <map>
#include <set>

namespace moai::compiler {
namespace {

// By value: the node that uses it last, 0 where none does; kNone where the window leaves it.
std::vector<NodeId> last_uses(const ValueGraph& g) {
  std::vector<NodeId> last(g.values.size(), 0);
  for (NodeId n = 0; n < g.nodes.size(); ++n) {
    for (const Use& u : g.nodes[n].operands) {
      if (u.value != kNone) last[u.value] = n;
    }
  }
  for (const ValueId v : g.outputs) last[v] = kNone;
  return last;
}

SkippedRegion region_of(const ValueGraph& g, const std::vector<NodeId>& last, NodeId begin,
                        NodeId end) {
  SkippedRegion region{.begin = begin, .end = end};
  std::map<SegmentId, ValueId> held;  // by the segments that the region writes, when it begins
  std::set<SegmentId> written;
  const auto within = [&](NodeId n) { return n != kNone && n > begin && n < end; };
  for (const Value& v : g.values) {
    if (within(v.producer)) written.insert(v.segment);
  }
  for (ValueId v = 0; v < g.values.size(); ++v) {
    const Value& value = g.values[v];
    const bool is_older = value.producer == kNone || value.producer < begin;
    if (is_older) {
      if (written.contains(value.segment)) held[value.segment] = v;
      if (last[v] > begin) region.used.push_back(v);
    } else if (within(value.producer) && last[v] > end) {
      region.after.push_back(v);
    }
  }
  for (const auto& [segment, v] : held) region.before.push_back(v);
  return region;
}

}  // namespace

bool borders_region(const ValueGraph& g, NodeId n) {
  return g.nodes[n].signature.op.starts_with("moai::skip_");
}

bool cuts_region(const ValueGraph& g) {
  bool inside = false;
  for (const ValueNode& n : g.nodes) {
    if (n.signature.op == "moai::skip_end" && !inside) return true;
    if (n.signature.op == "moai::skip_if") inside = true;
    if (n.signature.op == "moai::skip_end") inside = false;
  }
  return inside;
}

std::vector<SkippedRegion> skipped_regions(const ValueGraph& g) {
  std::vector<SkippedRegion> regions;
  const std::vector<NodeId> last = last_uses(g);
  for (NodeId n = 0; n < g.nodes.size(); ++n) {
    if (g.nodes[n].signature.op != "moai::skip_if") continue;
    NodeId end = n + 1;
    while (end < g.nodes.size() && g.nodes[end].signature.op != "moai::skip_end") ++end;
    regions.push_back(region_of(g, last, n, end));
  }
  return regions;
}

}  // namespace moai::compiler
