#include "moai/compiler/cost/program_price.h"

#include <gtest/gtest.h>

namespace moai::compiler::cost {
namespace {

// 1 TFLOP/s without ramp, 1 GB/s of memory, 1 us a call; 1 GB/s without latency between devices.
cluster::Cluster simple_cluster() {
  return {.devices_per_node = 4,
          .device = {.memory_bytes_per_s = 1e9,
                     .peak = {.fp32 = 1e12},
                     .fitted = {.gemm_efficiency = 1, .gemm_ramp = 0, .launch_s = 1e-6}},
          .node_link = {.latency_s = 0, .bytes_per_s = 1e9}};
}

class ProgramPriceTest : public testing::Test {
 protected:
  ProgramPrice price(std::string_view text, StorageBytes begin) {
    const auto window = graph::parse(text, &signatures_);
    EXPECT_TRUE(window.ok()) << window.status().to_string();
    return price_program(*window, signatures_, std::move(begin),
                         {.cluster = &cluster_,
                          .axes = {{2, 1}, {4, 1}},
                          .overlap = overlap_,
                          .tensor_axis = 1,
                          .reuses_operands = reuses_operands_});
  }
  bool reuses_operands_ = true;
  Overlap overlap_{};
  graph::SignatureTable signatures_;
  cluster::Cluster cluster_ = simple_cluster();
};

constexpr std::string_view kText =
    "alloc s3 4096\n"
    "aten::fill_.Scalar(f32[32,32]! s3, word 1.0) -> _\n"
    "s4 = aten::mm(f32[32,32] s1, f32[32,32] s3) -> f32[32,32]\n"
    "free s3\n"
    "moai::all_reduce((f32[1024]! s4, f32[1024]! s2), \"sum\", 0) -> _\n"
    "s5 = moai::all_gather(f32[1,32,32] s4, 1, [32,32,32,32], 1) -> f32[1,128,32]\n"
    "free s4\n"
    "s6 = aten::relu(f32[1,128,32] s5) -> f32[1,128,32]\n"
    "free s5\n";

TEST_F(ProgramPriceTest, CountsWhatIsEmitted) {
  const ProgramPrice p = price(kText, {{1, 4096}, {2, 4096}});
  EXPECT_EQ(p.calls, 3u);
  EXPECT_EQ(p.flops, 2.0 * 32 * 32 * 32);
  EXPECT_EQ(p.collectives, 2u);
  EXPECT_EQ(p.received_bytes, 8192u + 16384);
  ASSERT_EQ(p.axes.size(), 2u);
  EXPECT_EQ(p.axes[0].received_bytes, 8192u);
  EXPECT_EQ(p.axes[1].collectives, 1u);
}

TEST_F(ProgramPriceTest, SecondsAddUpWhereCollectivesStand) {
  const ProgramPrice p = price(kText, {{1, 4096}, {2, 4096}});
  // fill: 4096 bytes. mm: 3 × 4096 bytes take longer than its products. relu: 2 × 16384 bytes.
  EXPECT_NEAR(p.compute_s, 3e-6 + (4096 + 3 * 4096 + 32768) * 1e-9, 1e-12);
  // A ring of two: 2 × half of it. A ring of four: three quarters of the whole.
  EXPECT_NEAR(p.axes[0].seconds, 8192e-9, 1e-12);
  EXPECT_NEAR(p.axes[1].seconds, 0.75 * 16384e-9, 1e-12);
  EXPECT_NEAR(p.step_s, p.compute_s + p.collective_s, 1e-12);
  double exposed = 0;
  for (const NodePrice& n : p.nodes) exposed += n.exposed_s;
  EXPECT_NEAR(exposed, p.step_s, 1e-12);
}

TEST_F(ProgramPriceTest, CollectivesMayRunBesideCalls) {
  const std::string text =
      "moai::all_reduce((f32[1024]! s2), \"sum\", 0) -> _\n"
      "s4 = aten::relu(f32[1024] s1) -> f32[1024]\n";
  const ProgramPrice in_line = price(text, {{1, 4096}, {2, 4096}});
  overlap_.data = true;
  const ProgramPrice beside = price(text, {{1, 4096}, {2, 4096}});
  EXPECT_NEAR(in_line.step_s, 4096e-9 + 1e-6 + 8192e-9, 1e-12);
  EXPECT_NEAR(beside.step_s, 1e-6 + 8192e-9, 1e-12);
}

TEST_F(ProgramPriceTest, ThoseOfTensorsStandInLineUnlessTheyOverlapAsWell) {
  const std::string text =
      "moai::all_reduce((f32[1024]! s2), \"sum\", 1) -> _\n"
      "s4 = aten::relu(f32[1024] s1) -> f32[1024]\n";
  const double exchange_s = 2 * 0.75 * 4096e-9, relu_s = 1e-6 + 8192e-9;
  overlap_.data = true;
  EXPECT_NEAR(price(text, {{1, 4096}, {2, 4096}}).step_s, exchange_s + relu_s, 1e-12);
  overlap_ = {.tensor = TensorOverlap::kWeightGradients};
  EXPECT_NEAR(price(text, {{1, 4096}, {2, 4096}}).step_s, relu_s, 1e-12);
}

TEST_F(ProgramPriceTest, AStartRunsBesideTheCallsBeforeItsWait) {
  const std::string start = "moai::all_reduce.start((f32[1024]! s2), \"sum\", 0) -> _\n";
  const std::string relu = "s4 = aten::relu(f32[1024] s1) -> f32[1024]\n";
  const std::string wait = "moai::wait((f32[1024]! s2), 0) -> _\n";
  const StorageBytes begin{{1, 4096}, {2, 4096}};
  const double exchange_s = 4096e-9, relu_s = 1e-6 + 8192e-9;
  const ProgramPrice beside = price(start + relu + wait, begin);
  EXPECT_NEAR(beside.step_s, relu_s, 1e-12);
  EXPECT_EQ(beside.collectives, 1u);
  EXPECT_EQ(beside.calls, 1u);
  EXPECT_EQ(beside.received_bytes, 4096u);
  const ProgramPrice longer = price(start + start + start + relu + wait, begin);
  EXPECT_NEAR(longer.step_s, 3 * exchange_s, 1e-12);
  EXPECT_NEAR(longer.nodes[4].exposed_s, 3 * exchange_s - relu_s, 1e-12) << "the wait shows it";
  // A whole one lets those run dry that were started.
  const std::string whole = "moai::all_reduce((f32[1024]! s3), \"sum\", 0) -> _\n";
  EXPECT_NEAR(price(start + whole + relu + wait, {{1, 4096}, {2, 4096}, {3, 4096}}).step_s,
              2 * exchange_s + relu_s, 1e-12);
}

// Of four chunks one shows; the product is twice as slow beside the others.
TEST_F(ProgramPriceTest, ChunksRunBesideTheProductsAroundThem) {
  cluster_.device.fitted.overlap_slowdown = 2;
  overlap_.tensor = TensorOverlap::kChunks;
  const std::string reduce = "moai::all_reduce((f32[1024]! s2), \"sum\", 1) -> _\n";
  const std::string product = "s2 = aten::mm(f32[32,32] s1, f32[32,32] s1) -> f32[32,32]\n";
  const double exchange_s = 2 * 0.75 * 4096e-9;
  EXPECT_NEAR(price(reduce, {{2, 4096}}).step_s, exchange_s, 1e-12) << "no product";
  const double product_s = price(product, {{1, 4096}}).step_s;
  EXPECT_NEAR(price(product + reduce, {{1, 4096}}).step_s - product_s,
              exchange_s / 4 + 0.75 * exchange_s / 2, 1e-12);
  // Of eight more is left than the product has time for.
  std::string many = product;
  for (int i = 0; i < 8; ++i) many += reduce;
  EXPECT_NEAR(price(many, {{1, 4096}}).step_s - product_s, 8 * exchange_s - product_s, 1e-12);
}

TEST_F(ProgramPriceTest, MemoryIsWhatLivesAtOnce) {
  reuses_operands_ = false;
  const ProgramPrice p = price(kText, {{1, 4096}, {2, 4096}});
  EXPECT_EQ(p.begin_bytes, 8192u);
  // s1, s2 and the gathered s5 beside its relu s6.
  EXPECT_EQ(p.storage_bytes_max, 8192u + 2 * 16384);
  EXPECT_EQ(p.fullest_after, 8u);
  EXPECT_GE(p.memory_bytes_max, p.storage_bytes_max);
}

TEST_F(ProgramPriceTest, AResultTakesTheMemoryOfAnOperandThatDies) {
  const ProgramPrice p = price(kText, {{1, 4096}, {2, 4096}});
  // s1, s2, and s4 beside the s5 that is gathered of it; the relu lies in s5.
  EXPECT_EQ(p.storage_bytes_max, 8192u + 4096 + 16384);
  EXPECT_EQ(p.fullest_after, 6u);
}

TEST_F(ProgramPriceTest, MemoryOfOtherSizeOrThatIsReadTwiceOrLivesOnIsNotTaken) {
  const auto most = [&](const std::string& call, const std::string& then) {
    return price(call + "\n" + then, {{1, 4096}, {2, 4096}}).storage_bytes_max;
  };
  const std::string relu = "s3 = aten::relu(f32[1024] s1) -> f32[1024]";
  EXPECT_EQ(most(relu, "free s1\n"), 2 * 4096u);
  EXPECT_EQ(most(relu, "free s2\nfree s1\n"), 2 * 4096u);
  EXPECT_EQ(most(relu, "free s2\n"), 3 * 4096u);
  EXPECT_EQ(most(relu, "alloc s4 4\nfree s1\n"), 3 * 4096u + 4);
  EXPECT_EQ(most("s3 = aten::relu(f32[512] s1) -> f32[512]", "free s1\n"), 2 * 4096u + 2048);
  EXPECT_EQ(most("s3 = aten::mul.Tensor(f32[1024] s1, f32[1024] s1) -> f32[1024]", "free s1\n"),
            3 * 4096u);
  EXPECT_EQ(most("s3 = aten::mm(f32[32,32] s1, f32[32,32] s2) -> f32[32,32]", "free s1\n"),
            3 * 4096u);
}

TEST_F(ProgramPriceTest, CallsOfAStepThatHoldsMoreThanTheCacheAreCold) {
  cluster_.device.operators = {{.name = "aten::relu", .call_s = 1e-6, .cold_call_s = 3e-6}};
  const std::string text = "s3 = aten::relu(f32[1024] s1) -> f32[1024]";
  const auto seconds = [&](int64_t cache_bytes) {
    cluster_.device.cache_bytes = cache_bytes;
    return price(text, {{1, 4096}}).step_s;
  };
  EXPECT_NEAR(seconds(0), 1e-6, 1e-12) << "nobody knows how large it is";
  EXPECT_NEAR(seconds(1 << 20), 1e-6, 1e-12);
  EXPECT_NEAR(seconds(4096), 4e-6, 1e-12);
}

TEST_F(ProgramPriceTest, DataThatWereNotTouchedForLongAreFetched) {
  cluster_.device.operators = {
      {.name = "aten::relu_", .call_s = 1e-6, .cold_byte_s = 1e-9, .far_byte_s = 1e-8}};
  cluster_.device.cache_bytes = 8192;
  cluster_.device.shared_cache_bytes = 1 << 20;
  // Each is read and written.
  const std::string text = "aten::relu_(f32[1024]! s1)\naten::relu_(f32[1024]! s1)\n";
  const auto others = [](int from, int to) {
    std::string lines;
    for (int i = from; i < to; ++i) lines += "aten::relu_(f32[1024]! s" + std::to_string(i) + ")\n";
    return lines;
  };
  const auto second = [&](int count) {
    StorageBytes begin;
    for (graph::StorageId i = 1; i < static_cast<graph::StorageId>(2 + count); ++i) begin[i] = 4096;
    return price(text + others(2, 2 + count), begin).nodes;
  };
  EXPECT_NEAR(second(8)[0].seconds, 1e-6 + 8192e-9, 1e-12) << "lost by the processor's cache";
  EXPECT_NEAR(second(8)[1].seconds, 1e-6, 1e-12) << "touched just now";
  EXPECT_NEAR(second(400)[0].seconds, 1e-6 + 8192e-9 + 8192e-8, 1e-12) << "lost by the shared one";
}

TEST_F(ProgramPriceTest, CollectivesFetchTheirDataToo) {
  cluster_.measured = {
      {.shape = {.ranks_per_node = 2}, .points = {{1, 1e-5}, {8192, 1e-5}}, .far_byte_s = 1e-8}};
  cluster_.device.cache_bytes = 8192;
  cluster_.device.shared_cache_bytes = 1 << 20;
  const std::string sum = "moai::all_reduce((f32[1024]! s1), \"sum\", 0) -> _\n";
  std::string others;
  StorageBytes begin{{1, 4096}};
  for (graph::StorageId i = 2; i < 402; ++i) {
    begin[i] = 4096;
    others += "aten::relu_(f32[1024]! s" + std::to_string(i) + ")\n";
  }
  const auto nodes = price(sum + sum + others, begin).nodes;
  EXPECT_NEAR(nodes[0].seconds, 1e-5 + 8192e-8, 1e-12);
  EXPECT_NEAR(nodes[1].seconds, 1e-5, 1e-12) << "touched just now";
}

TEST_F(ProgramPriceTest, StoragesGrowAndNeverShrink) {
  EXPECT_EQ(price("resize s1 100\nresize s1 50\n", {{1, 64}}).storage_bytes_max, 100u);
  EXPECT_EQ(price("free s1\nalloc s2 30\n", {{1, 64}}).storage_bytes_max, 64u);
}

TEST(AxisShapes, TheLastAxisLiesInsideTheNode) {
  cluster::Cluster c = simple_cluster();
  c.nodes = 2;
  const auto shapes = axis_shapes(c, {{{"dp", 2}, {"sp", 2}, {"tp", 2}}});
  EXPECT_EQ(shapes[2], (cluster::GroupShape{.ranks_per_node = 2, .nodes = 1}));
  EXPECT_EQ(shapes[1], (cluster::GroupShape{.ranks_per_node = 2, .nodes = 1, .strided = true}));
  EXPECT_EQ(shapes[0], (cluster::GroupShape{.ranks_per_node = 1, .nodes = 2}));
}

}  // namespace
}  // namespace moai::compiler::cost
