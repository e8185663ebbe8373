#include "moai/comm/collective/nccl/steps.h"

#include <gtest/gtest.h>

#include <vector>

namespace moai::comm {
namespace {

using tensor::DType;
using tensor::Reduction;
using Kind = NcclStep::Kind;

std::vector<Kind> kinds(const NcclSteps& steps) {
  std::vector<Kind> all;
  for (const NcclStep& step : steps) all.push_back(step.kind);
  return all;
}

TEST(NcclSteps, ReducesWhatMeansTheSameThere) {
  struct {
    DType dtype;
    bool sum, product, max, all;
  } const rows[] = {
      {DType::kFloat32, true, true, false, false},
      {DType::kFloat64, true, true, false, false},
      {DType::kBFloat16, true, true, false, false},
      {DType::kFloat16, true, true, false, false},
      {DType::kInt64, true, true, true, false},
      {DType::kUInt8, true, true, true, false},
      {DType::kInt16, false, false, false, false},
      {DType::kBool, false, false, false, false},
      {DType::kComplex64, true, false, false, false},
      {DType::kFloat8E4M3FN, false, false, false, false},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(nccl_reduces(row.dtype, Reduction::kSum), row.sum) << dtype_name(row.dtype);
    EXPECT_EQ(nccl_reduces(row.dtype, Reduction::kProduct), row.product) << dtype_name(row.dtype);
    EXPECT_EQ(nccl_reduces(row.dtype, Reduction::kMax), row.max) << dtype_name(row.dtype);
    EXPECT_EQ(nccl_reduces(row.dtype, Reduction::kMin), row.max) << dtype_name(row.dtype);
    EXPECT_EQ(nccl_reduces(row.dtype, Reduction::kAll), row.all) << dtype_name(row.dtype);
    EXPECT_FALSE(nccl_reduces(row.dtype, Reduction::kNorm2)) << dtype_name(row.dtype);
  }
}

TEST(NcclSteps, ComplexNumbersAreTheirHalves) {
  NcclSteps steps;
  char data[64];
  add_all_reduce(&steps, data, 4, DType::kComplex64, Reduction::kSum);
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(steps[0].count, 8u);
  EXPECT_EQ(steps[0].type, nccl::kFloat32);
}

TEST(NcclSteps, UnevenSharesTakeABroadcastOrAReductionOfEachRankThatHasSome) {
  char in[64], out[64];
  NcclSteps steps;
  add_all_gather(&steps, 1, in, std::vector<size_t>{4, 4}, out);
  add_reduce_scatter(&steps, 1, in, std::vector<size_t>{4, 4}, out, DType::kInt8, Reduction::kSum);
  EXPECT_EQ(kinds(steps), (std::vector{Kind::kAllGather, Kind::kReduceScatter}));
  steps.clear();
  add_all_gather(&steps, 1, in, std::vector<size_t>{4, 5, 0}, out);
  ASSERT_EQ(kinds(steps), (std::vector{Kind::kBroadcast, Kind::kBroadcast}));
  EXPECT_EQ(steps[1].in, in);
  EXPECT_EQ(steps[1].out, out + 4);
  steps.clear();
  add_reduce_scatter(&steps, 2, in, std::vector<size_t>{4, 0, 5}, out, DType::kInt8,
                     Reduction::kSum);
  ASSERT_EQ(kinds(steps), (std::vector{Kind::kReduce, Kind::kReduce}));
  EXPECT_EQ(steps[1].in, in + 4);
  EXPECT_EQ(steps[1].out, out);
  EXPECT_EQ(steps[1].peer, 2);
}

TEST(NcclSteps, NothingTakesNoStep) {
  char data[8];
  NcclSteps steps;
  const std::vector<size_t> none(2);
  add_all_reduce(&steps, data, 0, DType::kFloat32, Reduction::kSum);
  add_all_gather(&steps, 0, data, none, data);
  add_reduce_scatter(&steps, 0, data, none, data, DType::kFloat32, Reduction::kSum);
  add_all_to_all(&steps, data, none, data, none);
  add_broadcast(&steps, data, 0, 0);
  EXPECT_TRUE(steps.empty());
}

}  // namespace
}  // namespace moai::comm
