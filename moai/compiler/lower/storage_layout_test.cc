#include "moai/compiler/lower/storage_layout.h"

#include <gtest/gtest.h>

#include "moai/compiler/analysis/import_window.h"

namespace moai::compiler {
namespace {

const Mesh kTwo{{{"dp", 2}}};

// A window whose only segment is split as the signature's dimensions are.
struct Window {
  explicit Window(const std::string& call, const StorageLayout* before = nullptr) {
    auto w = graph::parse(call, &signatures);
    EXPECT_TRUE(w.ok()) << w.status().to_string();
    graph = import_window(*w, signatures);
    std::vector<Cut> cuts;
    if (before) cuts = cuts_of(*before, 0);
    factors.emplace(graph, cuts);
  }
  graph::SignatureTable signatures;
  ValueGraph graph;
  std::optional<Factors> factors;
};

StorageLayout split(std::vector<int64_t> sizes, uint32_t place) {
  return {tensor::DType::kFloat32, std::move(sizes), {split_at(place)}};
}

TEST(StorageLayout, ARankHasItsShareOfADigit) {
  const StorageLayout layout = split({5, 4}, 0);
  EXPECT_FALSE(layout.whole());
  EXPECT_EQ(layout.part_bytes(kTwo, 0), 3 * 4 * 4u);
  EXPECT_EQ(layout.part_bytes(kTwo, 1), 2 * 4 * 4u);
  EXPECT_TRUE(StorageLayout{}.whole());
}

TEST(StorageLayout, AtOneStageTheOthersHaveNothing) {
  const Mesh mesh{{{std::string(kStageAxis), 2}, {"dp", 2}}};
  const StorageLayout layout{tensor::DType::kFloat32, {5, 4}, {at_stage(1), split_at(0)}};
  EXPECT_FALSE(layout.whole());
  EXPECT_FALSE(layout.is_on(mesh, 1));
  EXPECT_TRUE(layout.is_on(mesh, 2));
  EXPECT_EQ(layout.part_bytes(mesh, 0), 0u);
  EXPECT_EQ(layout.part_bytes(mesh, 2), 3 * 4 * 4u);
  const Window w("s2 = aten::neg(f32[5,4] s1) -> f32[5,4]\n");
  const auto p = placement_of(layout, *w.factors, 0, mesh);
  ASSERT_TRUE(p.has_value());
  EXPECT_EQ(to_string(*p), "@1*S0");
  EXPECT_EQ(layout_of(*p, w.graph, *w.factors, 0), layout);
}

TEST(StorageLayout, IsTheSamePlacementInAnotherWindow) {
  const StorageLayout layout = split({6, 4}, 0);
  const Window w("s2 = aten::neg(f32[24] s1) -> f32[24]\n", &layout);
  EXPECT_EQ(w.factors->of(0).size(), 2u) << "cut where the shares meet";
  const auto p = placement_of(layout, *w.factors, 0, kTwo);
  ASSERT_TRUE(p.has_value());
  EXPECT_EQ(layout_of(*p, w.graph, *w.factors, 0), layout);
}

TEST(StorageLayout, OfAFinerDigitKeepsEvenSharesOnly) {
  const Window w("s2 = aten::neg(f32[4,3,2] s1) -> f32[4,3,2]\n");
  ASSERT_EQ(w.factors->of(0).size(), 3u);
  EXPECT_EQ(placement_of(split({12, 2}, 0), *w.factors, 0, kTwo), Placement{split_at(0)});
  const Mesh three{{{"dp", 3}}};
  EXPECT_EQ(placement_of(split({12, 2}, 0), *w.factors, 0, three), std::nullopt)
      << "four of twelve are no share of four";
}

TEST(StorageLayout, BordersThatTheWindowCannotHaveMeanNoPlacement) {
  const StorageLayout layout = split({4, 6}, 0);
  const Window w("s2 = aten::neg(f32[8,3] s1) -> f32[8,3]\n");
  EXPECT_EQ(placement_of(split({3, 8}, 0), *w.factors, 0, kTwo), std::nullopt);
  EXPECT_EQ(placement_of(layout, *w.factors, 0, kTwo), std::nullopt);
}

TEST(StorageLayout, WholePlacementsAreNoLayout) {
  const Window w("s2 = aten::neg(f32[8,3] s1) -> f32[8,3]\n");
  EXPECT_EQ(layout_of({replicated()}, w.graph, *w.factors, 0), StorageLayout{});
}

}  // namespace
}  // namespace moai::compiler
