#include "moai/compiler/passes/micro_batches.h"

#include <gtest/gtest.h>

namespace moai::compiler {
namespace {

using graph::StorageId;

// A product whose squared error is summed; its weight takes a step. s3 is older, s1 and s2 are
// data.
constexpr const char* kWindow =
    "s4 = aten::mm(f32[6,5] s1, f32[5,3]{1,5} s3) -> f32[6,3]    @1\n"
    "s5 = aten::sub.Tensor(f32[6,3] s4, f32[6,3] s2, 1) -> f32[6,3]    @2\n"
    "s6 = aten::mm(f32[3,6]{1,3} s5, f32[6,5] s1) -> f32[3,5]    @3\n"
    "free s4\n"
    "free s5\n"
    "aten::add_.Tensor(f32[3,5]! s3, f32[3,5] s6, word -0.1) -> _    @4\n"
    "free s6\n";

class MicroBatchesText : public testing::Test {
 protected:
  MicroBatched split(int microbatches, TimeOrder order = {}, const char* text = kWindow) {
    const auto window = graph::parse(text, &signatures_);
    EXPECT_TRUE(window.ok()) << window.status().to_string();
    window_ = *window;
    MicroBatched m = micro_batches({.window = &window_,
                                    .uploaded = {1, 2},
                                    .first_temporary = 100,
                                    .microbatches = microbatches,
                                    .order = std::move(order)},
                                   &signatures_);
    EXPECT_EQ(m.verified.message(), "");
    return m;
  }
  std::string text(const MicroBatched& m) const { return print(m.window, signatures_); }

  graph::SignatureTable signatures_;
  graph::Window window_;
};

TEST_F(MicroBatchesText, OneIsTheWindowAsItIs) {
  const MicroBatched m = split(1);
  EXPECT_EQ(text(m), kWindow);
  EXPECT_EQ(m.origins.size(), m.window.nodes.size());
}

TEST_F(MicroBatchesText, EachHasStoragesOfItsOwnAndGradientsAddUp) {
  EXPECT_EQ(text(split(2)),
            "s100 = aten::clone(f32[1,3,5]{30,5,1} s1, none) -> f32[1,3,5]\n"
            "s101 = aten::mm(f32[3,5] s100, f32[5,3]{1,5} s3) -> f32[3,3]    @1\n"
            "s104 = aten::clone(f32[1,3,3]{18,3,1} s2, none) -> f32[1,3,3]\n"
            "s105 = aten::sub.Tensor(f32[3,3] s101, f32[3,3] s104, 1) -> f32[3,3]    @2\n"
            "free s101\n"
            "free s104\n"
            "s6 = aten::mm(f32[3,3]{1,3} s105, f32[3,5] s100) -> f32[3,5]    @3\n"
            "free s100\n"
            "free s105\n"
            "s102 = aten::clone(f32[1,3,5]{30,5,1}+15 s1, none) -> f32[1,3,5]\n"
            "s103 = aten::mm(f32[3,5] s102, f32[5,3]{1,5} s3) -> f32[3,3]    @1\n"
            "s106 = aten::clone(f32[1,3,3]{18,3,1}+9 s2, none) -> f32[1,3,3]\n"
            "s107 = aten::sub.Tensor(f32[3,3] s103, f32[3,3] s106, 1) -> f32[3,3]    @2\n"
            "free s103\n"
            "free s106\n"
            "s108 = aten::mm(f32[3,3]{1,3} s107, f32[3,5] s102) -> f32[3,5]    @3\n"
            "free s102\n"
            "free s107\n"
            "aten::add_.Tensor(f32[15]! s6, f32[15] s108, 1) -> _    @3\n"
            "free s108\n"
            "aten::add_.Tensor(f32[3,5]! s3, f32[3,5] s6, word -0.1) -> _    @4\n"
            "free s6\n");
}

TEST_F(MicroBatchesText, AnOrderOfTasksIsKept) {
  const MicroBatched m =
      split(2, {.tasks = {{0, false, 0}, {0, false, 1}, {0, true, 1}, {0, true, 0}}});
  std::string order, last;
  for (size_t i = 0; i < m.origins.size(); ++i) {
    const NodeOrigin& o = m.origins[i];
    if (o.microbatch < 0 || m.window.nodes[i].line == 0) continue;  // copies of what is given
    const std::string task = (o.backward ? "B" : "F") + std::to_string(o.microbatch) + " ";
    if (task != last) order += task;
    last = task;
  }
  EXPECT_EQ(order, "F0 F1 B1 B0 ");
}

TEST_F(MicroBatchesText, ABatchHasAsManyAsDivideIt) {
  split(1);
  const auto count = [&](int microbatches, int64_t rows) {
    const MicroBatchCount c = microbatches_for(window_, {1, 2}, microbatches, rows, signatures_);
    return std::pair(c.microbatches, c.size);
  };
  EXPECT_EQ(count(1, 0), std::pair(1, int64_t{0}));
  EXPECT_EQ(count(2, 0), std::pair(2, int64_t{3}));
  EXPECT_EQ(count(4, 0), std::pair(3, int64_t{2}));  // six rows in parts of two
  EXPECT_EQ(count(8, 0), std::pair(6, int64_t{1}));
  EXPECT_EQ(count(4, 6), std::pair(1, int64_t{6}));  // a smaller batch than the job's
  EXPECT_EQ(count(4, 4), std::pair(2, int64_t{3}));
}

// Of attention, which leaves the numbers that it drew from beside its results: those are of each
// micro-batch's call.
TEST_F(MicroBatchesText, WhatEachCallMakesWholeIsMadeForEach) {
  constexpr const char* kAttention =
      "s4 = aten::mm(bf16[16,8] s1, bf16[8,8]{1,8} s3) -> bf16[16,8]    @1\n"
      "s5, s6, s7, s8, s0 = aten::_scaled_dot_product_flash_attention(bf16[4,1,4,8]{32,8,8,1} s4, "
      "bf16[4,1,4,8]{32,8,8,1} s4, bf16[4,1,4,8]{32,8,8,1} s4, word 0.0, true, false, word 0.125)"
      " -> bf16[4,1,4,8], f32[4,1,4]?, undefined?, undefined?, _, _, u64[2]?, u64[]?, bf16[0]?"
      "    @2\n"
      "s9 = aten::sub.Tensor(bf16[4,1,4,8] s5, bf16[4,1,4,8] s2, 1) -> bf16[4,1,4,8]    @3\n"
      "s10, s11, s12 = aten::_scaled_dot_product_flash_attention_backward(bf16[4,1,4,8] s9, "
      "bf16[4,1,4,8]{32,8,8,1} s4, bf16[4,1,4,8]{32,8,8,1} s4, bf16[4,1,4,8]{32,8,8,1} s4, "
      "bf16[4,1,4,8] s5, f32[4,1,4] s6, undefined, undefined, 4, 4, word 0.0, true, u64[2] s7, "
      "u64[] s8, word 0.125) -> bf16[4,1,4,8], bf16[4,1,4,8], bf16[4,1,4,8]    @4\n"
      "free s5\nfree s6\nfree s7\nfree s8\nfree s9\n"
      "s13 = aten::mm(bf16[8,16]{1,8} s10, bf16[16,8] s1) -> bf16[8,8]    @5\n"
      "aten::add_.Tensor(bf16[8,8]! s3, bf16[8,8] s13, word -0.1) -> _    @6\n";
  const MicroBatched m = split(2, {}, kAttention);
  EXPECT_EQ(m.verified.message(), "");
  EXPECT_EQ(graph::verify(m.window, signatures_).message(), "");
}

}  // namespace
}  // namespace moai::compiler
