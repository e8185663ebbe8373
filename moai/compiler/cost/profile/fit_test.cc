#include "moai/compiler/cost/profile/fit.h"

#include <gtest/gtest.h>

#include "moai/cluster/cluster_file.h"

namespace moai::compiler::cost {
namespace {

cluster::Cluster a100() {
  auto read = cluster::read_cluster(std::string(MOAI_CLUSTERS) + "/a100-80-dgx.toml");
  EXPECT_TRUE(read.ok()) << read.status().to_string();
  return std::move(read).value();
}

AnchorRow row(int64_t hidden, int tensor) {
  AnchorRow r;
  r.run = {.hidden = hidden,
           .heads = 32,
           .layers = 24,
           .sequence = 2048,
           .vocabulary = 51200,
           .batch = 64,
           .micro_batch = 4,
           .tensor = tensor,
           .data = 8};
  return r;
}

// Rows made by known constants.
std::vector<AnchorRow> made_by(const SoftwareProfile& truth) {
  std::vector<AnchorRow> rows = {row(1024, 1), row(8192, 8)};
  for (AnchorRow& r : rows) r.value = training_step(truth, a100(), r.run)->step;
  return rows;
}

TEST(Fit, FindsTheConstantsThatMadeTheRows) {
  const SoftwareProfile truth{.gemm_efficiency = 0.55, .traffic = 2.2};
  const auto fit = fit_profile({}, a100(), made_by(truth));
  ASSERT_TRUE(fit.ok()) << fit.status().to_string();
  EXPECT_NEAR(fit->gemm_efficiency, 0.55, 0.01);
  EXPECT_NEAR(fit->traffic, 2.2, 0.1);
}

TEST(Fit, OneRowLeavesTheRestToThePriors) {
  const auto rows = made_by({.gemm_efficiency = 0.7, .traffic = 1});
  const auto fit = fit_profile({}, a100(), {rows.data(), 1});
  EXPECT_NEAR(fit->gemm_efficiency, 0.7, 1e-6);
  EXPECT_NEAR(fit->traffic, 1, 1e-6);
}

TEST(Fit, ARunThatDoesNotFitIsRefused) {
  std::vector<AnchorRow> rows = {row(1024, 5)};
  rows[0].value = 1;
  EXPECT_FALSE(fit_profile({}, a100(), rows).ok());
}

}  // namespace
}  // namespace moai::compiler::cost
