#include <cmath>

#include "moai/device/aten/random/drawing_testing.h"

namespace moai::device {
namespace {

using testing::draw;
using testing::expect_torch_error;
using testing::kolmogorov;
using testing::no_generator;

constexpr int64_t kMany = 200000;

at::Tensor blank(int64_t n, at::ScalarType dtype = at::kFloat) { return at::empty({n}, dtype); }

const std::vector<at::ScalarType> kReal = {at::kHalf, at::kBFloat16, at::kFloat, at::kDouble};

TEST(Continuous, UniformIsUniformInItsHalfOpenRange) {
  for (auto dtype : {at::kFloat, at::kDouble}) {
    const auto drawn = draw("uniform_")(blank(kMany, dtype), -2.0, 6.0, no_generator());
    EXPECT_LT(kolmogorov(drawn, [](double x) { return (x + 2) / 8; }), 1.95);
    EXPECT_GE(drawn.min().item<double>(), -2.0);
    EXPECT_LT(drawn.max().item<double>(), 6.0);
  }
}

TEST(Continuous, UniformOfNarrowTypesExcludesTheUpperBound) {
  for (auto dtype : kReal) {
    const auto drawn = draw("uniform_")(blank(kMany, dtype), 1000.0, 1001.0, no_generator());
    EXPECT_GE(drawn.min().item<double>(), 1000.0);
    EXPECT_LT(drawn.max().item<double>(), 1001.0) << dtype;
  }
}

TEST(Continuous, UniformWithEqualBoundsIsThatBound) {
  EXPECT_TRUE(at::equal(draw("uniform_")(blank(5), 3.0, 3.0, no_generator()),
                        at::full({5}, 3.0, at::kFloat)));
}

TEST(Continuous, NarrowUniformTruncatesTheWiderOne) {
  const auto wide = draw("uniform_")(blank(1000, at::kDouble), 0.0, 1.0, no_generator());
  for (auto [dtype, step] : std::vector<std::pair<at::ScalarType, double>>{
           {at::kFloat, 0x1p-24}, {at::kHalf, 0x1p-11}, {at::kBFloat16, 0x1p-8}}) {
    const auto narrow = draw("uniform_")(blank(1000, dtype), 0.0, 1.0, no_generator());
    EXPECT_TRUE(at::equal(narrow.to(at::kDouble), (wide / step).floor() * step)) << dtype;
  }
}

TEST(Continuous, NormalIsNormal) {
  for (auto dtype : {at::kFloat, at::kDouble}) {
    const auto drawn = draw("normal_")(blank(kMany, dtype), 3.0, 2.0, no_generator());
    EXPECT_LT(
        kolmogorov(drawn, [](double x) { return 0.5 * std::erfc(-(x - 3) / 2 / std::sqrt(2.0)); }),
        1.95);
    EXPECT_GT(drawn.max().item<double>(), 3 + 2 * 4);
    EXPECT_LT(drawn.min().item<double>(), 3 - 2 * 4);
  }
}

TEST(Continuous, NormalAgreesBetweenTypesToTheirPrecision) {
  const auto wide = draw("normal_")(blank(10000, at::kDouble), 0.0, 1.0, no_generator());
  const auto single = draw("normal_")(blank(10000), 0.0, 1.0, no_generator());
  EXPECT_LT((wide - single).abs().max().item<double>(), 2e-5);
  const auto half = draw("normal_")(blank(10000, at::kHalf), 0.0, 1.0, no_generator());
  EXPECT_TRUE(at::equal(half, single.to(at::kHalf)));
}

TEST(Continuous, ComplexNormalSplitsItsVariance) {
  const auto drawn = draw("normal_")(blank(kMany, at::kComplexFloat), 0.0, 2.0, no_generator());
  const auto parts = at::view_as_real(drawn);
  EXPECT_NEAR(parts.select(1, 0).var().item<double>(), 2, 0.03);
  EXPECT_NEAR(parts.select(1, 1).var().item<double>(), 2, 0.03);
  EXPECT_NEAR((parts.select(1, 0) * parts.select(1, 1)).mean().item<double>(), 0, 0.02);
}

TEST(Continuous, ExponentialIsExponentialAndNeverZero) {
  for (auto dtype : {at::kFloat, at::kDouble}) {
    const auto drawn = draw("exponential_")(blank(kMany, dtype), 2.0, no_generator());
    EXPECT_LT(kolmogorov(drawn, [](double x) { return 1 - std::exp(-2 * x); }), 1.95);
    EXPECT_GT(drawn.min().item<double>(), 0);
  }
}

TEST(Continuous, CauchyIsCauchy) {
  const auto drawn = draw("cauchy_")(blank(kMany), 1.0, 3.0, no_generator());
  EXPECT_LT(kolmogorov(drawn, [](double x) { return 0.5 + std::atan((x - 1) / 3) / M_PI; }), 1.95);
}

TEST(Continuous, LogNormalIsTheExponentOfNormal) {
  const auto drawn = draw("log_normal_")(blank(kMany, at::kDouble), 0.5, 0.25, no_generator());
  const auto normal = draw("normal_")(blank(kMany, at::kDouble), 0.5, 0.25, no_generator());
  EXPECT_TRUE(at::allclose(drawn, normal.exp(), 1e-13, 0));
}

TEST(Continuous, GeometricCountsTrials) {
  for (auto dtype : {at::kLong, at::kInt, at::kFloat, at::kDouble, at::kByte}) {
    const auto drawn = draw("geometric_")(blank(kMany, dtype), 0.25, no_generator());
    EXPECT_EQ(drawn.min().item<int64_t>(), 1);
    for (int k = 1; k <= 4; ++k) {
      const double share = (drawn == k).to(at::kDouble).mean().item<double>();
      EXPECT_NEAR(share, 0.25 * std::pow(0.75, k - 1), 0.005) << dtype;
    }
  }
}

TEST(Continuous, GeometricKeepsToItsTypesRange) {
  const auto drawn = draw("geometric_")(blank(100, at::kChar), 1e-9, no_generator());
  EXPECT_GE(drawn.min().item<int64_t>(), 1);
  EXPECT_EQ(drawn.max().item<int64_t>(), 127);
}

TEST(Continuous, NormalOverloadsScaleOneDraw) {
  const auto base = draw("normal_")(blank(6), 0.0, 1.0, no_generator());
  const auto mean = at::arange(6, at::kFloat);
  const auto std = at::arange(6, at::kFloat) + 1;
  EXPECT_TRUE(at::equal(draw("normal.Tensor_float")(mean, 1.0, no_generator()), base + mean));
  EXPECT_TRUE(at::equal(draw("normal.float_Tensor")(2.0, std, no_generator()), base * std + 2));
  EXPECT_TRUE(
      at::equal(draw("normal.Tensor_Tensor")(mean, std, no_generator()), base * std + mean));
  auto out = at::empty({0});
  EXPECT_TRUE(at::equal(draw("normal.Tensor_Tensor_out")(mean, std, no_generator(), out),
                        base * std + mean));
  EXPECT_EQ(out.numel(), 6);
}

TEST(Continuous, RefusesTypesWithTorchsTexts) {
  for (auto dtype : {at::kInt, at::kByte, at::kBool, at::kComplexFloat, at::kUInt16}) {
    const bool complex = c10::isComplexType(dtype);
    if (!complex) expect_torch_error(draw("uniform_"), blank(3, dtype), 0.0, 1.0, no_generator());
    if (!complex) expect_torch_error(draw("normal_"), blank(3, dtype), 0.0, 1.0, no_generator());
    expect_torch_error(draw("exponential_"), blank(3, dtype), 1.0, no_generator());
    expect_torch_error(draw("cauchy_"), blank(3, dtype), 0.0, 1.0, no_generator());
    expect_torch_error(draw("log_normal_"), blank(3, dtype), 0.0, 1.0, no_generator());
  }
  expect_torch_error(draw("geometric_"), blank(3, at::kBool), 0.5, no_generator());
}

TEST(Continuous, RefusesParametersWithTorchsTexts) {
  const double inf = INFINITY, nan = NAN;
  for (auto [from, to] : std::vector<std::pair<double, double>>{
           {1, 0}, {0, inf}, {nan, 1}, {-3e38, 3e38}, {0, 1e39}}) {
    expect_torch_error(draw("uniform_"), blank(3), from, to, no_generator());
  }
  expect_torch_error(draw("uniform_"), blank(3, at::kHalf), 0.0, 1e5, no_generator());
  for (double std : {-1.0, nan}) {
    expect_torch_error(draw("normal_"), blank(3), 0.0, std, no_generator());
    expect_torch_error(draw("normal.Tensor_float"), blank(3), std, no_generator());
  }
  const auto bad_std = at::tensor({1.0, -1.0, 1.0});
  expect_torch_error(draw("normal.float_Tensor"), 0.0, bad_std, no_generator());
  expect_torch_error(draw("normal.Tensor_Tensor"), blank(3), bad_std, no_generator());
  expect_torch_error(draw("normal.Tensor_Tensor"), blank(3), at::ones({2}), no_generator());
  expect_torch_error(draw("exponential_"), blank(3), 0.0, no_generator());
  expect_torch_error(draw("cauchy_"), blank(3), 0.0, 0.0, no_generator());
  expect_torch_error(draw("log_normal_"), blank(3), 0.0, 0.0, no_generator());
  for (double p : {0.0, 1.0}) expect_torch_error(draw("geometric_"), blank(3), p, no_generator());
}

}  // namespace
}  // namespace moai::device
