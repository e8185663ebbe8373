#include "moai/compiler/analysis/factors.h"

#include <algorithm>
#include <unordered_map>

#include "moai/ops/call_tensors.h"

namespace moai::compiler {
namespace {

// Of a call without a rule: nothing may be split.
ops::ShardingRule frozen_rule(const ValueNode& n) {
  ops::ShardingRule rule;
  const auto dims = [&](const tensor::Geometry& g) {
    ops::FactorDims d;
    for (const int64_t size : g.sizes) {
      std::vector<ops::FactorIndex>& at = d.emplace_back();
      if (size == 1) continue;
      at.push_back(static_cast<ops::FactorIndex>(rule.factors.size()));
      rule.factors.push_back({size, ops::FactorKind::kFrozen, ops::Reduction::kSum});
    }
    return d;
  };
  std::vector<ops::FactorDims> written;
  const std::vector<const ops::Arg*> operands = ops::tensor_operands(n.signature);
  for (const ops::Arg* a : operands) {
    rule.operands.push_back(dims(a->geometry));
    if (a->written) written.push_back(rule.operands.back());
  }
  for (const ops::Result* r : ops::fresh_results(n.signature)) {
    rule.results.push_back(dims(r->geometry));
  }
  rule.results.insert(rule.results.end(), written.begin(), written.end());
  rule.partial.resize(rule.results.size());
  return rule;
}

void freeze(ops::ShardingRule* rule, const std::vector<ops::FactorIndex>& factors) {
  for (const ops::FactorIndex f : factors) rule->factors[f].kind = ops::FactorKind::kFrozen;
}

}  // namespace

Factors::Factors(const ValueGraph& g, std::span<const Cut> cuts) : graph_(g) {
  for (const Segment& s : g.segments) {
    lists_.push_back(s.opaque || s.count == 1 ? List{} : List{add(s.count)});
  }
  for (const Cut& c : cuts) cut(c.segment, c.stride);
  find_rules();
  for (int round = 0; round < 2; ++round) {
    for (NodeId n = 0; n < g.nodes.size(); ++n) visit(n);
  }
  finish();
}

// Once for equal signatures, unless the rule rests on words.
void Factors::find_rules() {
  std::unordered_map<uint32_t, NodeRule> known;  // by class
  rules_.reserve(graph_.nodes.size());
  for (NodeId n = 0; n < graph_.nodes.size(); ++n) {
    const ValueNode& node = graph_.nodes[n];
    if (const auto found = known.find(node.alike); found != known.end()) {
      rules_.push_back(found->second);
    } else {
      std::vector<uint64_t> words;
      for (const uint32_t w : node.words) words.push_back(graph_.words[w]);
      std::optional<ops::ShardingRule> rule = ops::sharding_rule(node.signature, words);
      const bool any_words = rule && rule->assumed_words.empty();
      rules_.push_back(
          {.rule = rule ? std::move(*rule) : frozen_rule(node), .known = rule.has_value()});
      if (any_words) known.emplace(node.alike, rules_.back());
    }
    if (!rules_.back().known) unknown_.push_back(n);
  }
}

FactorId Factors::add(int64_t size) {
  arena_.push_back({.size = size, .parent = kNone});
  return static_cast<FactorId>(arena_.size() - 1);
}

FactorId Factors::root(FactorId f) {
  while (arena_[f].parent != kNone) {
    FactorId& parent = arena_[f].parent;
    if (arena_[parent].parent != kNone) parent = arena_[parent].parent;
    f = parent;
  }
  return f;
}

Factors::List Factors::leaves(const List& list) {
  List found;
  List todo(list.rbegin(), list.rend());
  while (!todo.empty()) {
    const FactorId f = root(todo.back());
    todo.pop_back();
    if (arena_[f].outer == kNone) {
      if (arena_[f].size > 1) found.push_back(f);
      continue;
    }
    todo.push_back(arena_[f].inner);
    todo.push_back(arena_[f].outer);
  }
  return found;
}

// Whether these are leaves.
bool Factors::is_flat(const List& list) const {
  return std::ranges::all_of(list, [&](FactorId f) {
    const Entry& e = arena_[f];
    return e.parent == kNone && e.outer == kNone && e.size > 1;
  });
}

const Factors::List& Factors::flat(SegmentId s) {
  if (!is_flat(lists_[s])) lists_[s] = leaves(lists_[s]);
  return lists_[s];
}

void Factors::split(FactorId f, int64_t inner_size) {
  const FactorId outer = add(arena_[f].size / inner_size);
  const FactorId inner = add(inner_size);
  arena_[f].outer = outer;
  arena_[f].inner = inner;
}

// Joins two lists of the same size, innermost first, splitting where one is finer.
bool Factors::unify(List a, List b) {
  if (a == b) return true;
  a = leaves(a);
  b = leaves(b);
  const auto refine = [&](List* list, FactorId f) {
    const List parts = leaves({f});
    list->insert(list->end(), parts.begin(), parts.end());
  };
  while (!a.empty() && !b.empty()) {
    FactorId x = root(a.back()), y = root(b.back());
    a.pop_back();
    b.pop_back();
    if (arena_[x].outer != kNone || arena_[y].outer != kNone) {  // split meanwhile
      refine(&a, x);
      refine(&b, y);
      continue;
    }
    if (x == y) continue;
    if (arena_[x].size == arena_[y].size) {
      arena_[std::max(x, y)].parent = std::min(x, y);
      continue;
    }
    const bool x_is_larger = arena_[x].size > arena_[y].size;
    const FactorId large = x_is_larger ? x : y, small = x_is_larger ? y : x;
    if (arena_[large].size % arena_[small].size != 0) return false;
    split(large, arena_[small].size);
    refine(&a, x);
    refine(&b, y);
  }
  return a.empty() && b.empty();
}

// Makes a border between factors of the segment at `stride` elements.
bool Factors::cut(SegmentId s, int64_t stride) {
  const List& list = flat(s);
  int64_t low = 1;
  for (auto f = list.rbegin(); f != list.rend() && low < stride; ++f) {
    const int64_t high = low * arena_[*f].size;
    if (high > stride) {
      if (stride % low != 0 || high % stride != 0) return false;
      split(*f, stride / low);
      return true;
    }
    low = high;
  }
  return low == stride;
}

std::optional<Factors::List> Factors::block(SegmentId s, Block b) {
  if (!cut(s, b.low) || !cut(s, b.high)) return std::nullopt;
  List found;
  const List& list = flat(s);
  int64_t low = 1;
  for (auto f = list.rbegin(); f != list.rend(); ++f) {
    if (low >= b.low && low < b.high) found.push_back(*f);
    low *= arena_[*f].size;
  }
  std::reverse(found.begin(), found.end());
  return found;
}

// Takes innermost factors of `size` elements off a list.
std::optional<Factors::List> Factors::take(List* from, int64_t size) {
  List taken;
  if (!is_flat(*from)) *from = leaves(*from);
  int64_t have = 1;
  while (have < size) {
    if (from->empty()) return std::nullopt;
    const FactorId f = from->back();
    from->pop_back();
    if (size % (have * arena_[f].size) == 0) {
      taken.push_back(f);
      have *= arena_[f].size;
      continue;
    }
    const int64_t wanted = size / have;
    if (size % have != 0 || arena_[f].size % wanted != 0) return std::nullopt;
    split(f, wanted);
    from->push_back(arena_[f].outer);
    from->push_back(arena_[f].inner);
  }
  std::reverse(taken.begin(), taken.end());
  return taken;
}

bool Factors::show(SegmentId s, Block b, const std::vector<ops::FactorIndex>& factors,
                   const ops::ShardingRule& rule, std::vector<std::vector<List>>* seen) {
  std::optional<List> rest = block(s, b);
  if (!rest) return false;
  std::vector<std::pair<ops::FactorIndex, List>> found;
  for (auto f = factors.rbegin(); f != factors.rend(); ++f) {
    std::optional<List> part = take(&*rest, rule.factors[*f].size);
    if (!part) return false;
    found.emplace_back(*f, std::move(*part));
  }
  for (auto& [f, list] : found) (*seen)[f].push_back(std::move(list));
  return true;
}

void Factors::show(const Use& use, const ops::FactorDims& dims, ops::ShardingRule* rule,
                   std::vector<std::vector<List>>* seen) {
  if (use.value == kNone && use.made == kNone) return;
  for (size_t d = 0; d < dims.size(); ++d) {
    if (!use.view) {
      freeze(rule, dims[d]);
      continue;
    }
    const ViewDim& dim = use.view->dims[d];
    const bool shown =
        dim.kind == ViewDim::Kind::kWhole && show(segment(use), dim.block, dims[d], *rule, seen);
    const bool repeats = dim.kind == ViewDim::Kind::kBroadcast && use.made == kNone;
    if (!shown && !repeats) freeze(rule, dims[d]);
  }
}

void Factors::visit(NodeId n) {
  const ValueNode& node = graph_.nodes[n];
  NodeRule& r = rules_[n];
  std::vector<std::vector<List>> seen(r.rule.factors.size());
  for (size_t i = 0; i < node.operands.size(); ++i) {
    show(node.operands[i], r.rule.operands[i], &r.rule, &seen);
  }
  for (size_t i = 0; i < node.results.size(); ++i) {
    show(node.results[i], r.rule.results[i], &r.rule, &seen);
  }
  bool conflict = false;
  for (size_t f = 0; f < seen.size(); ++f) {
    for (size_t i = 1; i < seen[f].size(); ++i) {
      if (unify(seen[f][0], seen[f][i])) continue;
      r.rule.factors[f].kind = ops::FactorKind::kFrozen;
      conflict = true;
    }
  }
  r.parts.assign(seen.size(), {});
  for (size_t f = 0; f < seen.size(); ++f) {
    if (!seen[f].empty()) r.parts[f] = seen[f][0];
  }
  if (conflict) conflicts_.push_back(n);
}

void Factors::finish() {
  for (SegmentId s = 0; s < lists_.size(); ++s) flat(s);
  for (NodeRule& r : rules_) {
    for (List& part : r.parts) {
      if (!is_flat(part)) part = leaves(part);
    }
  }
  std::sort(conflicts_.begin(), conflicts_.end());
  conflicts_.erase(std::unique(conflicts_.begin(), conflicts_.end()), conflicts_.end());
}

uint32_t Factors::place(const Use& use, const ops::FactorDims& dims, NodeId n, ops::FactorIndex f,
                        size_t part) const {
  if (!use.view || (use.value == kNone && use.made == kNone)) return kNone;
  const List& list = lists_[segment(use)];
  for (size_t d = 0; d < dims.size(); ++d) {
    const ViewDim& dim = use.view->dims[d];
    const auto at = std::find(dims[d].begin(), dims[d].end(), f);
    if (at == dims[d].end() || dim.kind != ViewDim::Kind::kWhole) continue;
    int64_t low = 1;
    auto place = static_cast<uint32_t>(list.size());
    while (low < dim.block.high) low *= arena_[list[--place]].size;
    for (auto before = dims[d].begin(); before != at; ++before) {
      place += static_cast<uint32_t>(rules_[n].parts[*before].size());
    }
    return place + static_cast<uint32_t>(part);
  }
  return kNone;
}

uint32_t Factors::outermost(SegmentId s, Block b) const {
  const List& list = lists_[s];
  int64_t low = 1;
  auto place = static_cast<uint32_t>(list.size());
  while (place > 0 && low < b.low) low *= arena_[list[--place]].size;
  if (low != b.low) return kNone;
  while (place > 0 && low < b.high) low *= arena_[list[--place]].size;
  return low == b.high && b.high > b.low ? place : kNone;
}

std::string print(const ValueGraph& g, const Factors& factors) {
  std::string out;
  for (SegmentId s = 0; s < g.segments.size(); ++s) {
    out += std::to_string(s) + ":";
    for (const FactorId f : factors.of(s)) {
      out += " f" + std::to_string(f) + "(" + std::to_string(factors.size(f)) + ")";
    }
    out += "\n";
  }
  return out;
}

}  // namespace moai::compiler
