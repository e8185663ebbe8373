#include "moai/compiler/analysis/factors.h"

#include <gtest/gtest.h>

#include "moai/compiler/analysis/import_window.h"

namespace moai::compiler {
namespace {

struct Inferred {
  explicit Inferred(std::string_view text) {
    const auto window = graph::parse(text, &signatures);
    EXPECT_TRUE(window.ok()) << window.status().to_string();
    if (window.ok()) graph = import_window(*window, signatures);
    factors = std::make_unique<Factors>(graph);
  }
  // "16*3 f", the sizes of a storage's factors.
  std::string sizes(graph::StorageId storage) const {
    std::string out;
    for (SegmentId s = 0; s < graph.segments.size(); ++s) {
      if (graph.segments[s].storage != storage) continue;
      for (const FactorId f : factors->of(s)) {
        out += (out.empty() ? "" : "*") + std::to_string(factors->size(f));
      }
    }
    return out;
  }
  FactorId factor(graph::StorageId storage, size_t place) const {
    for (SegmentId s = 0; s < graph.segments.size(); ++s) {
      if (graph.segments[s].storage == storage) return factors->of(s)[place];
    }
    return kNone;
  }

  graph::SignatureTable signatures;
  ValueGraph graph;
  std::unique_ptr<Factors> factors;
};

// Two projections fused into one, six heads of four, the second used: weights, gradient and state.
constexpr const char* kFused =
    "s3 = aten::mm(f32[5,7] s1, f32[7,48]{1,7} s2) -> f32[5,48]\n"
    "s4 = aten::relu(f32[5,6,4]{48,4,1}+24 s3) -> f32[5,6,4]\n"
    "s5 = aten::mm(f32[48,5]{1,48} s3, f32[5,7] s1) -> f32[48,7]\n"
    "aten::add_.Tensor(f32[48,7]! s6, f32[48,7] s5, word 1.0) -> _\n";

TEST(Factors, AFusedProjectionIsCutWhereItsPartsAreUsed) {
  const Inferred i(kFused);
  EXPECT_EQ(i.sizes(3), "5*2*6*4");
  EXPECT_EQ(i.sizes(2), "2*6*4*7") << "the weight inherits it";
  EXPECT_EQ(i.sizes(5), "2*6*4*7") << "and its gradient";
  EXPECT_EQ(i.sizes(6), "2*6*4*7") << "and the optimizer's state";
  EXPECT_EQ(i.factor(2, 1), i.factor(6, 1));
  EXPECT_EQ(i.factor(4, 1), i.factor(2, 1)) << "the heads";
  EXPECT_EQ(i.factor(1, 1), i.factor(2, 3)) << "what the product sums over";
}

TEST(Factors, PlacesOfARuleAreFoundInEverySegment) {
  const Inferred i(kFused);
  const NodeRule& r = i.factors->rule(0);  // m k+, k n -> m n
  const ValueNode& n = i.graph.nodes[0];
  size_t found = 0;
  for (ops::FactorIndex f = 0; f < r.rule.factors.size(); ++f) {
    if (r.rule.factors[f].size != 48) continue;
    EXPECT_EQ(r.parts[f].size(), 3u);
    EXPECT_EQ(i.factors->place(n.operands[1], r.rule.operands[1], 0, f, 1), 1u);
    EXPECT_EQ(i.factors->place(n.results[0], r.rule.results[0], 0, f, 1), 2u);
    EXPECT_EQ(i.factors->place(n.operands[0], r.rule.operands[0], 0, f, 1), kNone);
    ++found;
  }
  EXPECT_EQ(found, 1u);
}

TEST(Factors, ADimensionShownInPartIsFrozenThere) {
  const Inferred i(
      "s2 = aten::relu(f32[4,3]{5,1} s1) -> f32[4,3]\n"
      "s3 = aten::relu(f32[4,5] s1) -> f32[4,5]\n");
  EXPECT_EQ(i.sizes(1), "4*5");
  for (const ops::RuleFactor& f : i.factors->rule(0).rule.factors) {
    EXPECT_EQ(f.kind == ops::FactorKind::kFrozen, f.size == 3);
  }
  EXPECT_TRUE(i.factors->conflicts().empty());
}

TEST(Factors, AnOperatorWithoutARuleIsKnownByName) {
  const Inferred i("s2 = own::operator(f32[4,3] s1) -> f32[4,3]\n");
  EXPECT_EQ(i.factors->unknown(), std::vector<NodeId>{0});
  EXPECT_FALSE(i.factors->rule(0).known);
}

}  // namespace
}  // namespace moai::compiler
