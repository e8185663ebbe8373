#include "moai/compiler/cost/profile/software_profile.h"

#include <gtest/gtest.h>

namespace moai::compiler::cost {
namespace {

constexpr std::string_view kText = R"(name = "p"
cluster = "a100-80-dgx"
attention = "fused"
tensor_overlap = "chunks"
data_parallel = "distributed_optimizer"
data_overlap = true
gradient_bytes = 4
optimizer_bytes = 40
logit_bytes = 60
[fitted]
gemm_efficiency = 0.5
traffic = 1.5
)";

std::string error_of(std::string_view before, std::string_view after) {
  std::string text(kText);
  text.replace(text.find(before), before.size(), after);
  const auto profile = profile_from_toml(text, "p.toml");
  return profile.ok() ? "" : profile.status().message();
}

TEST(SoftwareProfile, ReadsEveryKey) {
  const auto p = profile_from_toml(kText, "p.toml");
  ASSERT_TRUE(p.ok()) << p.status().to_string();
  EXPECT_EQ(*p, (SoftwareProfile{.name = "p",
                                 .cluster = "a100-80-dgx",
                                 .attention = AttentionKernel::kFused,
                                 .tensor_overlap = TensorOverlap::kChunks,
                                 .data_parallel = DataParallel::kDistributedOptimizer,
                                 .data_overlap = true,
                                 .gradient_bytes = 4,
                                 .optimizer_bytes = 40,
                                 .logit_bytes = 60,
                                 .gemm_efficiency = 0.5,
                                 .traffic = 1.5}));
}

TEST(SoftwareProfile, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(error_of("\"fused\"", "\"flash\""),
            "[cluster.file] p.toml:3: 'attention' has no 'flash'; the nearest is 'fused'");
  EXPECT_EQ(error_of("traffic = 1.5", "traffic = 1.5\nthird = 1"),
            "[cluster.file] p.toml:13: no key 'third' here; the nearest is 'traffic'");
  EXPECT_EQ(error_of("gemm_efficiency = 0.5", ""),
            "[cluster.file] p.toml:10: 'gemm_efficiency' is missing; it is a number");
}

}  // namespace
}  // namespace moai::compiler::cost
