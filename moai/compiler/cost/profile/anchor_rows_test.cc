#include "moai/compiler/cost/profile/anchor_rows.h"

#include <gtest/gtest.h>

namespace moai::compiler::cost {
namespace {

constexpr std::string_view kRow = R"([[row]]
profile = "p"
name = "7.1B"
source = "a table"
fit = true
hidden = 4096
heads = 32
layers = 30
sequence = 4096
vocabulary = 131072
batch = 192
micro_batch = 4
tensor = 2
data = 48
recompute = "none"
)";

std::vector<AnchorRow> read(const std::string& more) {
  const auto rows = anchor_rows_from_toml(std::string(kRow) + more, "rows.toml");
  EXPECT_TRUE(rows.ok()) << rows.status().to_string();
  return rows.ok() ? *rows : std::vector<AnchorRow>{};
}

// 465.9 TFLOP/s on each of 96 devices is printed beside 0.800 s.
TEST(AnchorRows, FlopsBecomeSeconds) {
  const auto rows = read("tflops_per_device = 465.9\n");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_TRUE(rows[0].fitted);
  EXPECT_NEAR(measured_seconds(rows[0]), 0.800, 0.0005);
}

TEST(AnchorRows, TokensBecomeSeconds) {
  EXPECT_DOUBLE_EQ(measured_seconds(read("tokens_per_s_per_device = 8192\n")[0]), 1);
}

TEST(AnchorRows, OneTableMayHoldSeveralMeasurements) {
  const auto rows = read("layer_forward_ms = 2\nlayer_backward_ms = 3\n");
  ASSERT_EQ(rows.size(), 2u);
  const StepParts parts{.layer_forward = 5, .layer_backward = 7, .step = 11};
  EXPECT_DOUBLE_EQ(measured_seconds(rows[0]), 2e-3);
  EXPECT_EQ(predicted_seconds(rows[0], parts), 5);
  EXPECT_DOUBLE_EQ(measured_seconds(rows[1]), 3e-3);
  EXPECT_EQ(predicted_seconds(rows[1], parts), 7);
  EXPECT_EQ(predicted_seconds(read("step_s = 1\n")[0], parts), 11);
}

TEST(AnchorRows, ARowWithoutAMeasurementIsRefused) {
  EXPECT_EQ(anchor_rows_from_toml(kRow, "rows.toml").status().message(),
            "[cluster.file] rows.toml:1: nothing was measured; give for example step_s");
  EXPECT_FALSE(anchor_rows_from_toml(std::string(kRow) + "step = 1\n", "rows.toml").ok());
}

}  // namespace
}  // namespace moai::compiler::cost
