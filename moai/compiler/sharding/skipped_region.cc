#include "moai/compiler/sharding/skipped_region.h"

#include <map>
#include <set>
#include <unordered_map>

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

RegionBorder region_border(std::string_view op) {
  if (op == "moai::skip_if") return RegionBorder::kBegin;
  return op == "moai::skip_end" ? RegionBorder::kEnd : RegionBorder::kNone;
}

bool borders_region(const ValueGraph& g, NodeId n) {
  return region_border(g.nodes[n].signature.op) != RegionBorder::kNone;
}

bool cuts_region(const graph::Window& w, const graph::SignatureTable& signatures) {
  std::unordered_map<graph::SignatureId, RegionBorder> known;
  bool inside = false;
  for (const graph::Node& n : w.nodes) {
    if (n.kind != graph::NodeKind::kCall) continue;
    const auto [at, is_new] = known.try_emplace(n.signature);
    if (is_new) at->second = region_border(signatures.at(n.signature).signature().op);
    if (at->second == RegionBorder::kEnd && !inside) return true;
    if (at->second != RegionBorder::kNone) inside = at->second == RegionBorder::kBegin;
  }
  return inside;
}

std::vector<SkippedRegion> skipped_regions(const ValueGraph& g) {
  std::vector<SkippedRegion> regions;
  const std::vector<NodeId> last = last_uses(g);
  const auto borders = [&](NodeId n) { return region_border(g.nodes[n].signature.op); };
  for (NodeId n = 0; n < g.nodes.size(); ++n) {
    if (borders(n) != RegionBorder::kBegin) continue;
    NodeId end = n + 1;
    while (end < g.nodes.size() && borders(end) != RegionBorder::kEnd) ++end;
    regions.push_back(region_of(g, last, n, end));
  }
  return regions;
}

}  // namespace moai::compiler
