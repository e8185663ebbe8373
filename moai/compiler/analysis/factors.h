// Factors: what the dimensions of a whole window have in common.
//
// Every segment is a list of factors, outermost first, whose sizes multiply to its elements; two
// places that hold the same factor are run through by the same index. They come from the operators'
// rules alone, by union-find with refinement: equal dimensions are joined, and a dimension that is
// split somewhere is split wherever it stands. Versions of a segment share its list.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "moai/compiler/analysis/value_graph.h"
#include "moai/ops/sharding/rule.h"

namespace moai::compiler {

using FactorId = uint32_t;

// The rule of a node, with what stands in its way here made frozen.
struct NodeRule {
  ops::ShardingRule rule{};
  bool known = false;  // the operator has a rule
  // For each factor of the rule, the factors of the window it consists of, outermost first.
  std::vector<std::vector<FactorId>> parts{};
};

// A border between digits of a segment, at `stride` elements.
struct Cut {
  SegmentId segment = 0;
  int64_t stride = 1;
};

class Factors {
 public:
  // `g` must outlive it. Deterministic. Segments are split at the cuts whatever calls say; a cut
  // that digits cannot have is left out.
  explicit Factors(const ValueGraph& g, std::span<const Cut> cuts = {});

  int64_t size(FactorId f) const { return arena_[f].size; }
  const std::vector<FactorId>& of(SegmentId s) const { return lists_[s]; }
  const NodeRule& rule(NodeId n) const { return rules_[n]; }

  // Where part `part` of the rule's factor `f` stands in the segment of a use whose dimensions the
  // rule describes by `dims`; kNone where the use does not show it.
  uint32_t place(const Use& use, const ops::FactorDims& dims, NodeId n, ops::FactorIndex f,
                 size_t part) const;

  // Nodes whose operator has no rule, and rules' factors that had to be frozen, by node.
  const std::vector<NodeId>& unknown() const { return unknown_; }
  const std::vector<NodeId>& conflicts() const { return conflicts_; }

  // Where the factors of a block of the segment begin in its list: the outermost one of them. kNone
  // where the list has no borders there.
  uint32_t outermost(SegmentId s, Block b) const;

  SegmentId segment(const Use& use) const {
    return graph_.values[use.value != kNone ? use.value : use.made].segment;
  }

 private:
  struct Entry {
    int64_t size = 1;
    FactorId parent = kNone;
    FactorId outer = kNone, inner = kNone;  // what it was split into
  };
  using List = std::vector<FactorId>;

  void find_rules();
  FactorId add(int64_t size);
  FactorId root(FactorId f);
  List leaves(const List& list);
  bool is_flat(const List& list) const;
  const List& flat(SegmentId s);  // the segment's leaves
  void split(FactorId f, int64_t inner_size);
  bool unify(List a, List b);
  bool cut(SegmentId s, int64_t stride);
  std::optional<List> block(SegmentId s, Block b);
  std::optional<List> take(List* from, int64_t size);
  void visit(NodeId n);
  // Adds where a use shows factors of the rule; freezes those that it shows in part.
  void show(const Use& use, const ops::FactorDims& dims, ops::ShardingRule* rule,
            std::vector<std::vector<List>>* seen);
  bool show(SegmentId s, Block b, const std::vector<ops::FactorIndex>& factors,
            const ops::ShardingRule& rule, std::vector<std::vector<List>>* seen);
  void finish();

  const ValueGraph& graph_;
  std::vector<Entry> arena_;
  std::vector<List> lists_;      // by segment
  std::vector<NodeRule> rules_;  // by node
  std::vector<NodeId> unknown_, conflicts_;
};

// One line a segment: its factors as "f3(16)".
std::string print(const ValueGraph& g, const Factors& factors);

}  // namespace moai::compiler
