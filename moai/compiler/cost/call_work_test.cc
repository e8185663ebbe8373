#include "moai/compiler/cost/call_work.h"

#include <gtest/gtest.h>

#include <string>

namespace moai::compiler::cost {
namespace {

CallWork work_of(const std::string& text) {
  const auto signature = ops::call_signature_from_string(text);
  EXPECT_TRUE(signature) << text;
  return signature ? call_work(*signature) : CallWork{};
}

struct Moved {
  int64_t read = 0;
  int64_t written = 0;

  bool operator==(const Moved&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Moved& m) {
  return out << m.read << " read, " << m.written << " written";
}

Moved moved(const std::string& text) {
  const CallWork work = work_of(text);
  EXPECT_EQ(work.kind, WorkKind::kMemory) << text;
  EXPECT_EQ(work.flops, 0) << text;
  return {work.bytes_read, work.bytes_written};
}

TEST(CallWork, AProductCountsTwiceItsSides) {
  const CallWork mm = work_of("aten::mm(bf16[3,5], bf16[5,7]) -> bf16[3,7]");
  EXPECT_EQ(mm.kind, WorkKind::kProduct);
  EXPECT_EQ(mm.dtype, tensor::DType::kBFloat16);
  EXPECT_EQ(mm.flops, 2 * 3 * 5 * 7);
  EXPECT_EQ(mm.product, (Product{.m = 3, .n = 7, .k = 5}));
  EXPECT_EQ(mm.bytes_read, 2 * (3 * 5 + 5 * 7));
  EXPECT_EQ(mm.bytes_written, 2 * 3 * 7);
}

TEST(CallWork, ProductsOfEveryForm) {
  const auto flops = [](const std::string& text) { return work_of(text).flops; };
  EXPECT_EQ(flops("aten::addmm(f32[7], f32[3,5], f32[5,7], 1, 1) -> f32[3,7]"), 2 * 3 * 5 * 7);
  EXPECT_EQ(flops("aten::addmm_(f32[3,7]!, f32[3,5], f32[5,7], 1, 1) -> _"), 2 * 3 * 5 * 7);
  EXPECT_EQ(flops("aten::mm.out(f32[3,5], f32[5,7], f32[3,7]!) -> _"), 2 * 3 * 5 * 7);
  EXPECT_EQ(flops("aten::bmm(f32[4,3,5], f32[4,5,7]) -> f32[4,3,7]"), 4 * 2 * 3 * 5 * 7);
  EXPECT_EQ(flops("aten::baddbmm(f32[1], f32[4,3,5], f32[4,5,7], 1, 1) -> f32[4,3,7]"),
            4 * 2 * 3 * 5 * 7);
  EXPECT_EQ(flops("aten::mv(f32[3,5], f32[5]) -> f32[3]"), 2 * 3 * 5);
  EXPECT_EQ(flops("aten::dot(f32[5], f32[5]) -> f32[]"), 2 * 5);
  EXPECT_EQ(flops("aten::linear(f32[2,3,5], f32[7,5], f32[7]) -> f32[2,3,7]"), 2 * 6 * 5 * 7);
  EXPECT_EQ(flops("aten::mm(c64[3,5], c64[5,7]) -> c64[3,7]"), 4 * 2 * 3 * 5 * 7);
  EXPECT_EQ(flops("aten::mm(f32[0,5], f32[5,7]) -> f32[0,7]"), 0);
}

// 2 images of 3 channels, 8 filters of 3 × 3 × 3, on 16 × 16: 2 · 16 · 16 · 8 · 27 products.
TEST(CallWork, AConvolutionMeetsAFilterAtEachOutput) {
  const double products = 2.0 * 16 * 16 * 8 * 27;
  const std::string forward =
      "aten::convolution(f32[2,3,16,16], f32[8,3,3,3], f32[8], [1,1], [1,1], [1,1], false, [0,0], "
      "1) -> f32[2,8,16,16]";
  const CallWork work = work_of(forward);
  EXPECT_EQ(work.flops, 2 * products);
  EXPECT_EQ(work.product, (Product{.m = 2 * 16 * 16, .n = 8, .k = 27}));
  const auto gradients = [&](const std::string& mask) {
    return work_of(
        "aten::convolution_backward(f32[2,8,16,16], f32[2,3,16,16], f32[8,3,3,3], [8], "
        "[1,1], [1,1], [1,1], false, [0,0], 1, bools[" +
        mask + "]) -> f32[2,3,16,16], f32[8,3,3,3], f32[8]");
  };
  EXPECT_EQ(gradients("true,true,true").flops, 4 * products);
  EXPECT_EQ(gradients("true,true,true").products, 2);
  EXPECT_EQ(gradients("false,true,true").flops, 2 * products);
  EXPECT_EQ(gradients("false,false,true").flops, 0);
  EXPECT_EQ(gradients("false,false,true").kind, WorkKind::kMemory);
}

TEST(CallWork, ConvolutionsWithGroupsAndTransposed) {
  // Each of 8 filters sees 1 of 8 channels.
  const CallWork depthwise = work_of(
      "aten::convolution(f32[1,8,10], f32[8,1,3], none, [1], [0], [1], false, [0], 8) -> "
      "f32[1,8,8]");
  EXPECT_EQ(depthwise.flops, 2 * 8 * 8 * 3);
  EXPECT_EQ(depthwise.product, (Product{.batch = 8, .m = 8, .n = 1, .k = 3}));
  // Each of 4 · 10 inputs is spread by 6 · 3 weights.
  EXPECT_EQ(work_of("aten::convolution(f32[1,4,10], f32[4,6,3], none, [2], [0], [1], true, [0], 1) "
                    "-> f32[1,6,21]")
                .flops,
            2 * 4 * 10 * 6 * 3);
  EXPECT_EQ(work_of("aten::convolution.out(f32[1,8,10], f32[8,8,3], none, [1], [0], [1], false, "
                    "[0], 1, f32[1,8,8]!) -> _")
                .flops,
            2 * 8 * 8 * 8 * 3);
}

TEST(CallWork, AttentionCountsThePairsThatMeet) {
  const auto forward = [](const std::string& causal) {
    return work_of(
        "aten::_scaled_dot_product_flash_attention(bf16[2,4,6,16], bf16[2,4,6,16], "
        "bf16[2,4,6,16], 0.0, " +
        causal + ", false, none) -> bf16[2,4,6,16], f32[2,4,6]");
  };
  EXPECT_EQ(forward("false").kind, WorkKind::kAttention);
  EXPECT_EQ(forward("false").flops, 2 * 4 * (6 * 6) * 2 * (16 + 16));
  EXPECT_EQ(forward("true").flops, 2 * 4 * (6 * 7 / 2) * 2 * (16 + 16));
  const CallWork backward = work_of(
      "aten::_scaled_dot_product_flash_attention_for_cpu_backward(f32[2,4,6,16], f32[2,4,6,16], "
      "f32[2,4,6,16], f32[2,4,6,16], f32[2,4,6,16], f32[2,4,6], 0.0, true, none, none) -> "
      "f32[2,4,6,16], f32[2,4,6,16], f32[2,4,6,16]");
  EXPECT_EQ(backward.flops, 2 * 4 * (6 * 7 / 2) * 2 * (3 * 16 + 2 * 16));
}

TEST(CallWork, AttentionOverOtherLengths) {
  // One new query over nine keys: the first alone where it is causal, as torch counts from the top.
  const auto decode = [](const std::string& causal) {
    return work_of(
        "aten::_scaled_dot_product_efficient_attention(f32[1,2,1,8], f32[1,2,9,8], "
        "f32[1,2,9,4], none, true, 0.0, " +
        causal + ", none) -> f32[1,2,1,4], f32[1,2,32], i64[], i64[]");
  };
  EXPECT_EQ(decode("false").flops, 2 * 9 * 2 * (8 + 4));
  EXPECT_EQ(decode("true").flops, 2 * 1 * 2 * (8 + 4));
}

TEST(CallWork, ElementwiseMovesItsOperandsAndResults) {
  EXPECT_EQ(moved("aten::add.Tensor(f32[4,8], bf16[4,8], 1) -> f32[4,8]"),
            (Moved{32 * 4 + 32 * 2, 32 * 4}));
  EXPECT_EQ(moved("aten::mul_.Tensor(f32[4,8]!, f32[8]) -> _"), (Moved{32 * 4 + 8 * 4, 32 * 4}));
  EXPECT_EQ(moved("aten::sum.dim_IntList(f32[4,8], [0], false, none) -> f32[8]"),
            (Moved{32 * 4, 8 * 4}));
  EXPECT_EQ(moved("aten::no_such_operator(f32[4,8], (f32[2], f32[3])) -> f32[8], (f32[1], f32[1])"),
            (Moved{32 * 4 + 5 * 4, 8 * 4 + 2 * 4}));
}

TEST(CallWork, AnExpandedOperandIsReadOnce) {
  EXPECT_EQ(moved("aten::add.Tensor(f32[4,8], f32[4,8]{0,1}, 1) -> f32[4,8]"),
            (Moved{32 * 4 + 8 * 4, 32 * 4}));
  // Eight windows of three over ten elements.
  EXPECT_EQ(moved("aten::sum(f32[8,3]{1,1}, none) -> f32[]"), (Moved{10 * 4, 4}));
  EXPECT_EQ(moved("aten::neg(f32[0,8]) -> f32[0,8]"), (Moved{0, 0}));
  const int64_t many = int64_t{1} << 31;
  EXPECT_EQ(touched_bytes({.sizes = {many, many, many}, .strides = {1, 1, 1}}), (3 * many - 2) * 4);
}

TEST(CallWork, WhatIsOnlyOverwrittenIsNotRead) {
  EXPECT_EQ(moved("aten::zero_(f32[4,8]!) -> _"), (Moved{0, 32 * 4}));
  EXPECT_EQ(moved("aten::copy_(f32[4,8]!, f32[4,8], false) -> _"), (Moved{32 * 4, 32 * 4}));
  EXPECT_EQ(moved("aten::add.out(f32[4,8], f32[4,8], 1, f32[4,8]!) -> _"),
            (Moved{2 * 32 * 4, 32 * 4}));
  EXPECT_EQ(moved("aten::normal_(f32[4,8]!, 0.0, 1.0, generator) -> _"), (Moved{0, 32 * 4}));
  // Statistics that a batch norm carries on are read, too.
  EXPECT_EQ(
      moved("aten::native_batch_norm(f32[2,4,8], f32[4], f32[4], f32[4]!, f32[4]!, true, 0.1, "
            "1e-05) -> f32[2,4,8], f32[4]?, f32[4]?"),
      (Moved{64 * 4 + 4 * 16, 64 * 4 + 2 * 16 + 2 * 16}));
}

TEST(CallWork, ATableThatIsIndexedCountsItsRows) {
  EXPECT_EQ(moved("aten::embedding(f32[1000,8], i64[2,3], -1, false, false) -> f32[2,3,8]"),
            (Moved{6 * 8 * 4 + 6 * 8, 6 * 8 * 4}));
  EXPECT_EQ(moved("aten::index.Tensor(f32[1000,8], (i64[5])) -> f32[5,8]"),
            (Moved{5 * 8 * 4 + 5 * 8, 5 * 8 * 4}));
  EXPECT_EQ(moved("aten::index_put_(f32[1000,8]!, (i64[5]), f32[5,8], true) -> _"),
            (Moved{2 * 5 * 8 * 4 + 5 * 8, 5 * 8 * 4}));
  EXPECT_EQ(moved("aten::scatter_.value(f32[10,8]!, 0, i64[2,8], 1.0) -> _"),
            (Moved{80 * 4 + 16 * 8, 80 * 4}));
  EXPECT_EQ(moved("aten::embedding_dense_backward(f32[2,3,8], i64[2,3], 1000, -1, false) -> "
                  "f32[1000,8]"),
            (Moved{6 * 8 * 4 + 6 * 8, 8000 * 4}));
}

TEST(CallWork, ListsCountEachTensor) {
  EXPECT_EQ(moved("aten::_foreach_add_.List((f32[4]!, f32[8]!), (f32[4], f32[8]), 1) -> _"),
            (Moved{2 * 12 * 4, 12 * 4}));
  EXPECT_EQ(
      moved("aten::_fused_adamw_((f32[4]!), (f32[4]), (f32[4]!), (f32[4]!), (), (f32[]), 0.1, "
            "0.9, 0.99, 0.01, 1e-08, false, false, none, none) -> _"),
      (Moved{4 * 16 + 4, 3 * 16}));
}

TEST(CallWork, StorageAloneAndHostOperandsCostNothing) {
  EXPECT_EQ(
      work_of("aten::empty.memory_format([4,8], 6, none, device, none, none) -> f32[4,8]").kind,
      WorkKind::kNothing);
  EXPECT_EQ(moved("aten::f(f32[4], i64[5]h) -> f32[4]"), (Moved{16, 16}));
}

}  // namespace
}  // namespace moai::compiler::cost
