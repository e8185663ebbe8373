#include "moai/ops/facts.h"

#include <gtest/gtest.h>

#include <set>

namespace moai::ops {
namespace {

const OpFacts& row(std::string_view op, std::string_view overload = "") {
  static const OpFacts kNothing;
  const OpFacts* found = op_facts(op, overload);
  EXPECT_NE(found, nullptr) << op;
  return found ? *found : kNothing;
}

TEST(Facts, EachOperatorHasOneRowThatSaysSomething) {
  std::set<std::string_view> seen;
  for (const OpFacts& f : all_op_facts()) {
    EXPECT_TRUE(f.op.starts_with("aten::")) << f.op;
    EXPECT_TRUE(seen.insert(f.op).second) << f.op;
    const bool writes = !f.writes[0].empty();
    EXPECT_TRUE(writes || f.auxiliary || f.words_by_value || f.draws ||
                f.data != DataDependence::kNone || !f.host[0].empty())
        << f.op;
    EXPECT_TRUE(writes || f.writes_if.empty()) << f.op;
    EXPECT_TRUE(f.draws || (f.generator.empty() && f.draws_if.empty() && !f.draws_whole)) << f.op;
    EXPECT_EQ(f.auxiliary & 1, 0u) << f.op << ": its first result is what it is called for";
  }
}

TEST(Facts, ABareNameStandsForOverloadsWithoutARow) {
  EXPECT_EQ(&row("aten::arange"), &row("aten::arange", "start_step"));
  EXPECT_EQ(row("aten::rand").generator, "");
  EXPECT_EQ(row("aten::rand", "generator").generator, "generator");
  EXPECT_EQ(op_facts("aten::add", "Tensor"), nullptr);
  EXPECT_EQ(op_facts("aten::repeat_interleave", ""), nullptr);
}

TEST(Facts, BatchNormWritesItsStatisticsInTraining) {
  const OpFacts& f = row("aten::native_batch_norm");
  EXPECT_TRUE(contains(f.writes, "running_mean"));
  EXPECT_TRUE(contains(f.writes, "running_var"));
  EXPECT_FALSE(contains(f.writes, "weight"));
  EXPECT_FALSE(contains(f.writes, ""));
  EXPECT_EQ(f.writes_if, "training");
  EXPECT_EQ(f.auxiliary, 0b110u);
  EXPECT_TRUE(row("aten::_native_batch_norm_legit").writes[0].empty());
  EXPECT_EQ(op_facts("aten::native_layer_norm", ""), nullptr);
}

TEST(Facts, ValuesOfTensorsDecideWhereTheySay) {
  EXPECT_EQ(row("aten::nonzero").data, DataDependence::kShape);
  EXPECT_EQ(row("aten::index", "Tensor").data, DataDependence::kBoolIndex);
  EXPECT_EQ(row("aten::equal").data, DataDependence::kValue);
  EXPECT_EQ(row("aten::_linalg_check_errors").data, DataDependence::kCheck);
  EXPECT_EQ(row("aten::repeat_interleave", "Tensor").data, DataDependence::kShape);
  EXPECT_EQ(row("aten::histc").data, DataDependence::kNone);
}

TEST(Facts, DrawingOperatorsNameTheirGenerator) {
  for (const char* op : {"aten::uniform_", "aten::normal_", "aten::bernoulli_", "aten::random_",
                         "aten::multinomial", "aten::exponential_", "aten::poisson"}) {
    EXPECT_TRUE(row(op).draws) << op;
    EXPECT_EQ(row(op).generator, "generator") << op;
  }
  EXPECT_EQ(row("aten::native_dropout").draws_if, "train");
  EXPECT_EQ(row("aten::_scaled_dot_product_flash_attention").draws_if, "dropout_p");
  EXPECT_EQ(row("aten::_scaled_dot_product_flash_attention").auxiliary, 0b111001110u);
}

TEST(Facts, HostOperandsAreNamed) {
  EXPECT_TRUE(contains(row("aten::_pack_padded_sequence").host, "lengths"));
  EXPECT_EQ(row("aten::_pack_padded_sequence").host_results, 0b10u);
  EXPECT_TRUE(contains(row("aten::lstm", "data").host, "batch_sizes"));
}

}  // namespace
}  // namespace moai::ops
