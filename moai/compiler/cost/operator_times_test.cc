#include "moai/compiler/cost/operator_times.h"

#include <gtest/gtest.h>

#include "moai/compiler/cost/calibration/call_variants.h"
#include "moai/compiler/cost/calibration/fit_operators.h"
#include "moai/compiler/cost/kernel_cost.h"

namespace moai::compiler::cost {
namespace {

ops::CallSignature signature(const std::string& text) {
  const auto s = ops::call_signature_from_string(text);
  EXPECT_TRUE(s.has_value()) << text;
  return *s;
}
ops::CallSignature add_of(int n, const std::string& dtype = "f64") {
  const std::string t = dtype + "[" + std::to_string(n) + "]";
  return signature("aten::add.Tensor(" + t + ", " + t + ", word) -> " + t);
}
ops::CallSignature mm_of(int m, int k, int n) {
  const auto t = [](int a, int b) {
    return "f64[" + std::to_string(a) + "," + std::to_string(b) + "]";
  };
  return signature("aten::mm(" + t(m, k) + ", " + t(k, n) + ") -> " + t(m, n));
}

double seconds_of(const cluster::DeviceKind& d, const ops::CallSignature& s) {
  return call_seconds(d, s, call_work(s));
}

TEST(OperatorTimes, ALineThroughMeasuredCallsIsFound) {
  std::vector<MeasuredCall> calls;
  for (const int n : {1, 16, 256, 4096, 65536}) calls.push_back({add_of(n), 1e-6 + n * 2e-10});
  cluster::DeviceKind d;
  d.operators = fit_operators(calls);
  ASSERT_EQ(d.operators.size(), 1u);
  EXPECT_EQ(d.operators[0].name, "aten::add.Tensor");
  for (const int n : {4, 1000, 30000}) {
    EXPECT_NEAR(seconds_of(d, add_of(n)) / (1e-6 + n * 2e-10), 1, 0.02) << n;
  }
}

// A kernel that is slow for one shape is so around it.
TEST(OperatorTimes, NearCallsCountMore) {
  std::vector<MeasuredCall> calls;
  for (const int m : {8, 64, 512}) {
    for (const int k : {8, 64}) calls.push_back({mm_of(m, k, 64), m == 8 ? 4e-6 : 2e-6});
  }
  cluster::DeviceKind d;
  d.operators = fit_operators(calls);
  EXPECT_NEAR(seconds_of(d, mm_of(8, 8, 64)), 4e-6, 0.3e-6);
  EXPECT_NEAR(seconds_of(d, mm_of(64, 64, 64)), 2e-6, 0.3e-6);
}

TEST(OperatorTimes, CallsWhoseOperandsLieOtherwiseAreNoNeighbours) {
  const ops::CallSignature turned =
      signature("aten::mm(f64[64,64]{1,64}, f64[64,64]) -> f64[64,64]");
  const std::vector<MeasuredCall> calls = {
      {mm_of(64, 64, 64), 2e-6}, {mm_of(32, 64, 64), 2e-6}, {turned, 8e-6}};
  cluster::DeviceKind d;
  d.operators = fit_operators(calls);
  EXPECT_NEAR(seconds_of(d, turned), 8e-6, 0.5e-6);
  EXPECT_NEAR(seconds_of(d, mm_of(64, 64, 64)), 2e-6, 0.5e-6);
}

// Of more calls than are kept: a kernel that is slow between two sizes.
TEST(OperatorTimes, CallsThatTheirLikesDoNotTellAreKept) {
  const auto seconds = [](int n) { return 1e-6 + 1e-11 * n + (n > 900 && n < 1100 ? 8e-6 : 0); };
  std::vector<MeasuredCall> calls;
  for (int n = 1; n < 100000; n += 1 + n / 50) calls.push_back({add_of(n), seconds(n)});
  cluster::DeviceKind d;
  d.operators = fit_operators(calls, {.rows_max = 40});
  ASSERT_EQ(d.operators[0].rows.size(), 40u);
  for (const int n : {10, 500, 930, 1000, 1070, 2000, 50000}) {
    EXPECT_NEAR(seconds_of(d, add_of(n)) / seconds(n), 1, 0.1) << n;
  }
}

TEST(OperatorTimes, WithoutATableTheConstantsCount) {
  const cluster::DeviceKind d{.memory_bytes_per_s = 1e9, .peak = {.fp64 = 1e9}};
  EXPECT_EQ(operator_seconds(d, add_of(4), call_work(add_of(4))), std::nullopt);
  EXPECT_DOUBLE_EQ(seconds_of(d, add_of(4)), call_seconds(d, call_work(add_of(4))));
}

TEST(OperatorTimes, AnotherElementTypeIsBetterThanNothing) {
  cluster::DeviceKind d;
  d.operators = fit_operators(std::vector<MeasuredCall>{{add_of(4), 3e-6}});
  EXPECT_NEAR(seconds_of(d, add_of(4, "f32")), 3e-6, 1e-6);
}

TEST(FitDevice, ReachesWhatTheBestCallsReached) {
  cluster::DeviceKind d;
  fit_device(std::vector<MeasuredCall>{{mm_of(64, 64, 64), 1e-5}, {add_of(1000), 1e-6}}, &d);
  EXPECT_DOUBLE_EQ(d.peak.fp64, 2.0 * 64 * 64 * 64 / 1e-5);
  EXPECT_GT(d.memory_bytes_per_s, 0);
  EXPECT_GT(d.fitted.launch_s, 0);
}

TEST(FitOperators, ColdCallsTakeMoreByCallAndByByte) {
  constexpr double kCallS = 2e-6, kByteS = 1e-11;
  std::vector<MeasuredCall> calls;
  for (int64_t n : {8, 64, 128, 4096, 16384, 65536}) {
    MeasuredCall c{add_of(n), 1e-6 + 1e-10 * static_cast<double>(24 * n)};
    c.cold_s = c.seconds + kCallS + kByteS * static_cast<double>(24 * n);
    calls.push_back(c);
  }
  const auto fitted = fit_operators(calls);
  ASSERT_EQ(fitted.size(), 1u);
  EXPECT_NEAR(fitted[0].cold_call_s, kCallS, 0.05 * kCallS);
  EXPECT_NEAR(fitted[0].cold_byte_s, kByteS, 0.05 * kByteS);
  cluster::DeviceKind device;
  device.operators = fitted;
  const ops::CallSignature s = add_of(65536);
  EXPECT_NEAR(
      *operator_seconds(device, s, call_work(s), true) - *operator_seconds(device, s, call_work(s)),
      kCallS, 0.05 * kCallS);
  EXPECT_NEAR(fetch_seconds(fitted[0], {.beyond_own = 1000}), 1000 * kByteS, 50 * kByteS);
  for (MeasuredCall& c : calls) c.cold_s = 0;
  EXPECT_EQ(fit_operators(calls)[0].cold_call_s, 0);
}

TEST(FitOperators, FarCallsTakeMoreByByteOfWhatTheSharedCacheWouldHold) {
  constexpr double kByteS = 5e-11, kShared = 1 << 20;
  std::vector<MeasuredCall> calls;
  for (int64_t n : {4096, 8192, 16384, 1 << 20}) {
    const auto bytes = static_cast<double>(24 * n);
    MeasuredCall c{add_of(n), 1e-6 + 1e-10 * bytes};
    c.cold_s = c.seconds + 1e-6;
    // The last one found nothing in the cache before, either.
    c.far_s = c.cold_s + (bytes < kShared ? kByteS * bytes : 0);
    calls.push_back(c);
  }
  const auto fitted = fit_operators(calls, {.caches = {.own = 1 << 18, .shared = kShared}});
  EXPECT_NEAR(fitted[0].far_byte_s, kByteS, 0.1 * kByteS);
  EXPECT_NEAR(fetch_seconds(fitted[0], {.beyond_shared = 1e6}), kByteS * 1e6, 0.1 * kByteS * 1e6);
}

TEST(OperatorTimes, AnotherFormOfTheOperatorIsBetterThanNothing) {
  cluster::DeviceKind d;
  const auto relu = [](const char* name) {
    return *ops::call_signature_from_string(std::string("aten::") + name + "(f64[8]!) -> _");
  };
  EXPECT_EQ(operator_times(d, relu("relu_")), nullptr);
  d.operators = {{.name = "aten::relu6", .dtype = tensor::DType::kFloat64, .call_s = 1},
                 {.name = "aten::relu", .dtype = tensor::DType::kFloat32, .call_s = 2}};
  EXPECT_EQ(operator_times(d, relu("relu_")), &d.operators[1]);
  d.operators.push_back({.name = "aten::relu", .dtype = tensor::DType::kFloat64, .call_s = 3});
  EXPECT_EQ(operator_times(d, relu("relu_")), &d.operators[2]);
  d.operators.push_back({.name = "aten::relu_", .dtype = tensor::DType::kFloat32, .call_s = 4});
  EXPECT_EQ(operator_times(d, relu("relu_")), &d.operators[3]);
}

TEST(CallVariants, ALargeCallStandsForItself) {
  const auto call = ops::bound_call_from_string(
      "s3 = aten::mm(f32[256,256] s1, f32[256,256] s2) -> f32[256,256]");
  ASSERT_TRUE(call.has_value());
  EXPECT_EQ(call_variants(std::vector{*call}).size(), 1u);
  EXPECT_TRUE(call_variants(std::vector{*call}, {.whole_flops_max = 1e6}).empty());
}

TEST(CallVariants, OneCallOfAnOperatorOverListsIsLargerThanCaches) {
  std::vector<ops::BoundCall> calls;
  for (const char* text : {"aten::_foreach_neg_((f64[128,8]! s1, f64[64]! s2))",
                           "aten::_foreach_neg_((f64[128,9]! s1, f64[64]! s2))"}) {
    calls.push_back(*ops::bound_call_from_string(text));
  }
  int large = 0;
  const VariantLimits limits{.dtypes = {tensor::DType::kFloat32}};
  for (const ops::BoundCall& v : call_variants(calls, limits)) {
    const CallWork work = call_work(v.signature);
    large += static_cast<double>(work.bytes_read + work.bytes_written) > limits.bytes_max;
  }
  EXPECT_EQ(large, 1);
}

TEST(CallVariants, OperandsStillFitTogether) {
  const auto call =
      ops::bound_call_from_string("s3 = aten::mm(f64[6,8] s1, f64[8,4] s2) -> f64[6,4]");
  ASSERT_TRUE(call.has_value());
  const auto variants = call_variants(std::vector{*call});
  EXPECT_GT(variants.size(), 20u);
  bool is_f32 = false;
  for (const ops::BoundCall& v : variants) {
    const auto& a = v.signature.args[0].geometry.sizes;
    const auto& b = v.signature.args[1].geometry.sizes;
    const auto& c = v.signature.results[0].geometry.sizes;
    EXPECT_EQ(a[1], b[0]);
    EXPECT_EQ(a[0], c[0]);
    EXPECT_EQ(b[1], c[1]);
    EXPECT_EQ(v.storages.size(), 3u);
    is_f32 |= v.signature.args[0].geometry.dtype == tensor::DType::kFloat32;
  }
  EXPECT_TRUE(is_f32);
}

TEST(CallVariants, ListsAreShortenedWithTheirWords) {
  const auto call = ops::bound_call_from_string(
      "aten::_foreach_div_.ScalarList((f64[4]! s1, f64[6]! s2, f64[8]! s3), (word 1.0, word 2.0, "
      "word 3.0))");
  ASSERT_TRUE(call.has_value());
  bool is_one = false;
  for (const ops::BoundCall& v : call_variants(std::vector{*call})) {
    const ops::Arity arity = ops::arity(v.signature);
    EXPECT_EQ(arity.words, v.words.size());
    EXPECT_EQ(arity.operands, v.signature.args[0].items.size());
    is_one |= arity.operands == 1;
  }
  EXPECT_TRUE(is_one);
}

TEST(CallVariants, GapsGrowWithWhatLiesBetween) {
  const auto call = ops::bound_call_from_string("s2 = aten::neg(f64[4,6]{24,1}+6 s1) -> f64[4,6]");
  ASSERT_TRUE(call.has_value());
  for (const ops::BoundCall& v : call_variants(std::vector{*call})) {
    const tensor::Geometry& g = v.signature.args[0].geometry;
    const bool recorded = g.sizes == std::vector<int64_t>{4, 6};
    EXPECT_EQ(g.offset, recorded ? 6 : 0);
    EXPECT_GE(g.strides[0], g.sizes[1] * g.strides[1]);
    if (g.sizes[1] % 6 == 0) {
      EXPECT_EQ(g.strides[0], 24 * g.sizes[1] / 6);
    }
  }
}

}  // namespace
}  // namespace moai::compiler::cost
