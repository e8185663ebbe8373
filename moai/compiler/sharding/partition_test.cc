#include "moai/compiler/sharding/partition.h"

#include "moai/compiler/testing/split_window.h"

namespace moai::compiler {
namespace {

class PartitionTest : public SplitWindow {
 protected:
  void batch(graph::StorageId storage) {
    for (SegmentId s = 0; s < graph_.segments.size(); ++s) {
      if (graph_.segments[s].storage == storage) plan_.batch = {factors_->of(s)[0]};
    }
  }
  std::string program() { return print(graph_, partition(graph_, *factors_, plan_)); }
};

// Two products, the second fed by the first; s1 is data.
constexpr const char* kTwoProducts =
    "s3 = aten::mm(f32[4,6] s1, f32[6,8] s2) -> f32[4,8]\n"
    "s4 = aten::relu(f32[4,8] s3) -> f32[4,8]\n"
    "s6 = aten::mm(f32[4,8] s4, f32[8,6] s5) -> f32[4,6]\n";

TEST_F(PartitionTest, SplitDataStaysSplit) {
  import(kTwoProducts);
  home(1, 0);
  batch(1);
  EXPECT_EQ(program(),
            "%3:2.1:S0 = aten::mm %0:0.0:S0 %1:1.0:R | x: 0.0\n"
            "%4:3.1:S0 = aten::relu %3:2.1:S0 | x: 0.0\n"
            "%5:5.1:S0 = aten::mm %4:3.1:S0 %2:4.0:R | x: 0.0\n");
}

TEST_F(PartitionTest, AColumnAndARowSplitMeetInOneAllReduce) {
  import(kTwoProducts);
  home(2, 1);
  home(5, 0);
  batch(1);
  plan_.policies[0].keeps = AxisPolicy::Keeps::kWeights;
  EXPECT_EQ(program(),
            "%3:2.1:S1 = aten::mm %0:0.0:R %1:1.0:S1 | x: 2.0\n"
            "%4:3.1:S1 = aten::relu %3:2.1:S1 | x: 1.0\n"
            "%5:5.1:P(sum) = aten::mm %4:3.1:S1 %2:4.0:S0 | x: 1.0\n"
            "%6:5.1:R = all_reduce[x] %5:5.1:P(sum)\n")
      << "what lives on is no partial value";
}

// Pointers elsewhere would need a row behind the last, which the table has not.
TEST_F(PartitionTest, ATableThatACallGoesOnFromIsNotSplitAlongItsPositions) {
  import(
      "s4 = aten::scatter_reduce.two(f32[10,5] s1, 0, i64[10,2] s2, f32[10,2] s3, \"prod\", false) "
      "-> f32[10,5]\n");
  home(1, 0);
  EXPECT_NE(program().find("all_gather"), std::string::npos) << program();
}

TEST_F(PartitionTest, WhatCannotBeReducedIsNeverPartial) {
  import("s3 = aten::index_select(bool[6,4] s1, 0, i64[3] s2) -> bool[3,4]\n");
  home(1, 0);
  EXPECT_EQ(program().find("P("), std::string::npos) << program();
  import("s3 = aten::index_select(f32[6,4] s1, 0, i64[3] s2) -> f32[3,4]\n");
  home(1, 0);
  EXPECT_NE(program().find("P(sum)"), std::string::npos) << program();
}

TEST_F(PartitionTest, WhatNoViewExplainsIsNeverPartial) {
  import("aten::mm.out(f32[2,6] s1, f32[6,2] s2, f32[2,2]{5,2}+1! s3) -> _\n");
  home(1, 1);
  home(2, 0);
  const std::string text = program();
  EXPECT_NE(text.find("all_gather"), std::string::npos) << text;
  EXPECT_EQ(text.find("P(sum)"), std::string::npos) << text;
}

TEST_F(PartitionTest, APartialValueIsResolvedBeforeASecondReader) {
  import(
      "s3 = aten::mm(f32[4,6] s1, f32[6,8] s2) -> f32[4,8]\n"
      "s4 = aten::neg(f32[4,8] s3) -> f32[4,8]\n"
      "s5 = aten::neg(f32[4,8] s3) -> f32[4,8]\n");
  home(1, 1);
  home(2, 0);
  EXPECT_EQ(program(),
            "%2:2.1:P(sum) = aten::mm %0:0.0:S1 %1:1.0:S0 | x: 1.0\n"
            "%3:2.1:R = all_reduce[x] %2:2.1:P(sum)\n"
            "%4:3.1:R = aten::neg %3:2.1:R\n"
            "%5:4.1:R = aten::neg %3:2.1:R\n");
}

TEST_F(PartitionTest, WhatIsWrittenReturnsToItsHome) {
  import("aten::add_.Tensor(f32[4]! s1, f32[4] s2, word 1.0) -> _\n");
  home(2, 0);
  plan_.policies[0].keeps = AxisPolicy::Keeps::kWeights;
  batch(2);
  EXPECT_EQ(program(),
            "%2:0.0:S0 = slice[x] %0:0.0:R\n"
            "%3:0.1:S0 = aten::add_.Tensor %2:0.0:S0 %1:1.0:S0 | x: 0.0\n"
            "%4:0.1:R = all_gather[x] %3:0.1:S0\n");
}

// Rows of s1 and columns of s2 are shared. To gather s1 is dearer than to exchange s2, but not than
// that and the sum of the gradient.
TEST_F(PartitionTest, UnderSharesOfASequenceTheSumOfAWeightsGradientCounts) {
  for (const bool shares : {false, true}) {
    import("s3 = aten::mm(f32[8,12]{1,8} s1, f32[12,8] s2) -> f32[8,8]\n");
    home(1, 0);
    home(2, 1);
    batch(1);
    plan_.policies[0].keeps = AxisPolicy::Keeps::kWeights;
    if (shares) plan_.policies[0].scatters = plan_.batch;
    const std::string text = program();
    EXPECT_EQ(text.find("all_gather") != std::string::npos, shares) << text;
    EXPECT_EQ(text.find("all_to_all") != std::string::npos, !shares) << text;
  }
}

// The gradient of a bias does not depend on the channels that come in.
TEST_F(PartitionTest, AResultWithoutAParallelFactorIsTheSameOnEveryRank) {
  import(
      "s4, s5, s6 = aten::convolution_backward(f32[2,4,6,6] s1, f32[2,8,6,6] s2, f32[4,8,1,1] s3, "
      "[4], [1,1], [0,0], [1,1], false, [0,0], 1, bools[true,true,true]) -> f32[2,8,6,6], "
      "f32[4,8,1,1], f32[4]\n");
  home(2, 1);
  home(3, 1);
  EXPECT_EQ(program(),
            "%3:3.1:S1, %4:4.1:S1, %5:5.1:R = aten::convolution_backward %0:0.0:R %1:1.0:S1 "
            "%2:2.0:S1 | x: 4.0\n");
}

TEST_F(PartitionTest, AttentionThatDropsNothingIsSplit) {
  const std::string of_one = "f32[6,4,8,5] ";
  import("s4, s5 = aten::_scaled_dot_product_flash_attention_for_cpu(" + of_one + "s1, " + of_one +
         "s2, " + of_one + "s3, word 0.0, true, none, none) -> f32[6,4,8,5], f32[6,4,8]\n");
  for (const graph::StorageId s : {1, 2, 3}) home(s, 1);
  EXPECT_EQ(program(),
            "%3:3.1:S1, %4:4.1:S1 = aten::_scaled_dot_product_flash_attention_for_cpu %0:0.0:S1 "
            "%1:1.0:S1 %2:2.0:S1 | x: 1.0\n");
}

TEST_F(PartitionTest, WhatIsDrawnForSharesIsDrawnInShares) {
  import(
      "alloc s2 48\n"
      "aten::normal_(f32[4,3]! s2, word 0.0, word 1.0, generator 7:1) -> _\n"
      "s3 = aten::mul.Scalar(f32[4,3] s2, word 0.1) -> f32[4,3]\n"
      "s4 = aten::add.Tensor(f32[4,3] s1, f32[4,3] s3, word 1.0) -> f32[4,3]\n"
      "free s2\n"
      "free s3\n");
  home(1, 0);
  EXPECT_EQ(program(),
            "%1:0.1:S0 = aten::normal_ - | x: 0.0\n"
            "%2:1.1:S0 = aten::mul.Scalar %1:0.1:S0 | x: 0.0\n"
            "%3:3.1:S0 = aten::add.Tensor %0:2.0:S0 %2:1.1:S0 | x: 0.0\n");
}

TEST_F(PartitionTest, WhatIsDrawnIntoItsHomeIsDrawnInShares) {
  import("aten::uniform_(f32[4,6]! s1, word 0.0, word 1.0, generator 7:1) -> _\n");
  home(1, 1);
  EXPECT_EQ(program(), "%0:0.1:S1 = aten::uniform_ - | x: 1.0\n");
}

TEST_F(PartitionTest, WhatSomebodyReadsWholeIsDrawnWhole) {
  import(
      "alloc s2 48\n"
      "aten::normal_(f32[4,3]! s2, word 0.0, word 1.0, generator 7:1) -> _\n"
      "s4 = aten::add.Tensor(f32[4,3] s1, f32[4,3] s2, word 1.0) -> f32[4,3]\n"
      "s5 = own::operator(f32[4,3] s2) -> f32[4,3]\n"
      "free s2\n");
  home(1, 0);
  EXPECT_EQ(program(),
            "%1:0.1:R = aten::normal_ -\n"
            "%2:0.1:S0 = slice[x] %1:0.1:R\n"
            "%3:2.1:S0 = aten::add.Tensor %0:1.0:S0 %2:0.1:S0 | x: 0.0\n"
            "%4:3.1:R = own::operator %1:0.1:R\n");
}

// A weight of which the forward pass needs all: it is gathered, and never made whole.
TEST_F(PartitionTest, WhatIsMadeInSharesIsGatheredForItsReader) {
  import(
      "alloc s2 96\n"
      "aten::fill_.Scalar(f32[6,4]! s2, word 1.0) -> _\n"
      "s3 = aten::mm(f32[8,6] s1, f32[6,4] s2) -> f32[8,4]\n");
  home(1, 0);
  home(2, 0);
  batch(1);
  EXPECT_EQ(program(),
            "%1:0.1:S0 = aten::fill_.Scalar - | x: 0.0\n"
            "%2:0.1:R = all_gather[x] %1:0.1:S0\n"
            "%3:2.1:S0 = aten::mm %0:1.0:S0 %2:0.1:R | x: 0.0\n");
}

// Not when the optimizer comes: until then each rank would have all of it.
TEST_F(PartitionTest, AGradientGoesToSharesAsSoonAsItIsMade) {
  import(
      "s4 = aten::mm(f32[6,8]{1,6} s1, f32[8,4] s2) -> f32[6,4]\n"
      "s6 = aten::neg(f32[8,4] s2) -> f32[8,4]\n"
      "aten::add_.Tensor(f32[6,4]! s5, f32[6,4] s4, word 1.0) -> _\n"
      "free s4\n");
  home(1, 0);
  home(2, 0);
  home(5, 0);
  batch(1);
  plan_.policies[0].scatters_gradients = true;
  plan_.bundles.bytes_max = 0;
  EXPECT_EQ(program(),
            "%3:2.1:P(sum) = aten::mm %0:0.0:S0 %1:1.0:S0 | x: 1.0\n"
            "%5:2.1:S0 = reduce_scatter[x] %3:2.1:P(sum)\n"
            "%4:3.1:S0 = aten::neg %1:1.0:S0 | x: 0.0\n"
            "%6:4.1:S0 = aten::add_.Tensor %2:4.0:S0 %5:2.1:S0 | x: 0.0\n");
}

// The forward pass has gathered it, but it is updated where it lies.
TEST_F(PartitionTest, WhatIsUpdatedInPlaceIsSoAtHome) {
  import(
      "s3 = aten::mm(f32[8,6] s1, f32[6,4] s2) -> f32[8,4]\n"
      "aten::mul_.Scalar(f32[6,4]! s2, word 1.0) -> _\n");
  home(1, 0);
  home(2, 0);
  batch(1);
  EXPECT_EQ(program(),
            "%2:1.0:R = all_gather[x] %1:1.0:S0\n"
            "%3:2.1:S0 = aten::mm %0:0.0:S0 %2:1.0:R | x: 0.0\n"
            "%4:1.1:S0 = aten::mul_.Scalar %1:1.0:S0 | x: 0.0\n");
}

TEST_F(PartitionTest, WhatDrawsWholeIsNotSplit) {
  import(
      "s2 = aten::randperm(4, 4, none, device, false, generator 7:1) -> i64[4]\n"
      "s3 = aten::add.Tensor(i64[4] s1, i64[4] s2, word 1.0) -> i64[4]\n"
      "free s2\n");
  home(1, 0);
  EXPECT_EQ(program(),
            "%1:0.1:R = aten::randperm\n"
            "%2:0.1:S0 = slice[x] %1:0.1:R\n"
            "%3:2.1:S0 = aten::add.Tensor %0:1.0:S0 %2:0.1:S0 | x: 0.0\n");
}

TEST_F(PartitionTest, AnOperatorWithoutARuleRunsWhole) {
  import("s2 = own::operator(f32[4,3] s1) -> f32[4,3]\n");
  home(1, 0);
  EXPECT_EQ(program(),
            "%1:0.0:R = all_gather[x] %0:0.0:S0\n"
            "%2:1.1:R = own::operator %1:0.0:R\n");
}

}  // namespace
}  // namespace moai::compiler
