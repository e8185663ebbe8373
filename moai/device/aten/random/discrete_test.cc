#include <cmath>
#include <limits>

#include "moai/device/aten/random/drawing_testing.h"

namespace moai::device {
namespace {

using testing::draw;
using testing::expect_torch_error;
using testing::no_generator;

constexpr int64_t kMany = 200000;
const std::optional<int64_t> kUnbounded;

at::Tensor blank(int64_t n, at::ScalarType dtype = at::kFloat) { return at::empty({n}, dtype); }

const std::vector<at::ScalarType> kTypes = {at::kHalf, at::kBFloat16, at::kFloat, at::kDouble,
                                            at::kChar, at::kByte,     at::kShort, at::kInt,
                                            at::kLong, at::kBool};

// Pearson's statistic of `drawn` over the values low … low + count - 1.
double chi_square(const at::Tensor& drawn, int64_t low, int64_t count) {
  const auto seen = (drawn.to(at::kLong) - low).bincount({}, count).to(at::kDouble);
  EXPECT_EQ(seen.numel(), count);
  const double expected = static_cast<double>(drawn.numel()) / count;
  return ((seen - expected).square() / expected).sum().item<double>();
}

TEST(Discrete, RandomFromToIsEven) {
  for (auto dtype : kTypes) {
    if (dtype == at::kBool) continue;
    const auto drawn =
        draw("random_.from")(blank(kMany, dtype), int64_t{3}, int64_t{103}, no_generator());
    // 99 degrees of freedom: above 149 once in a thousand.
    EXPECT_LT(chi_square(drawn, 3, 100), 149) << dtype;
  }
}

TEST(Discrete, RandomAgreesBetweenTypes) {
  const auto expected = draw("random_.to")(blank(1000, at::kLong), int64_t{90}, no_generator());
  for (auto dtype : kTypes) {
    if (dtype == at::kBool) continue;
    const auto drawn = draw("random_.to")(blank(1000, dtype), int64_t{90}, no_generator());
    EXPECT_TRUE(at::equal(drawn.to(at::kLong), expected)) << dtype;
  }
}

TEST(Discrete, RandomCoversTheNaturalRangeOfItsType) {
  const std::vector<std::pair<at::ScalarType, double>> greatest = {
      {at::kHalf, 2048},   {at::kBFloat16, 256}, {at::kFloat, 0x1p24}, {at::kDouble, 0x1p53},
      {at::kChar, 127},    {at::kByte, 255},     {at::kShort, 32767},  {at::kInt, 0x1p31},
      {at::kLong, 0x1p63}, {at::kBool, 1}};
  for (auto [dtype, most] : greatest) {
    const auto drawn = draw("random_")(blank(kMany, dtype), no_generator()).to(at::kDouble);
    EXPECT_GE(drawn.min().item<double>(), 0) << dtype;
    EXPECT_LE(drawn.max().item<double>(), most) << dtype;
    EXPECT_GT(drawn.max().item<double>(), 0.999 * most) << dtype;
    EXPECT_NEAR(drawn.mean().item<double>() / most, 0.5, 0.005) << dtype;
  }
}

TEST(Discrete, RandomFromReachesTheEndOfTheType) {
  const auto drawn =
      draw("random_.from")(blank(kMany, at::kChar), int64_t{120}, kUnbounded, no_generator());
  EXPECT_EQ(drawn.min().item<int64_t>(), 120);
  EXPECT_EQ(drawn.max().item<int64_t>(), 127);
  const auto all = draw("random_.from")(
      blank(kMany, at::kLong), std::numeric_limits<int64_t>::min(), kUnbounded, no_generator());
  EXPECT_NEAR((all < 0).to(at::kDouble).mean().item<double>(), 0.5, 0.005);
}

TEST(Discrete, RandomSpansRangesWiderThan32Bits) {
  const int64_t range = int64_t{1} << 50;
  const auto drawn = draw("random_.from")(blank(kMany, at::kLong), -range, range, no_generator());
  EXPECT_LT(testing::kolmogorov(drawn, [&](double x) { return (x + range) / (2.0 * range); }),
            1.95);
}

TEST(Discrete, BernoulliHitsItsProbability) {
  for (auto dtype : kTypes) {
    for (double p : {0.0, 0.125, 0.9, 1.0}) {
      const auto drawn = draw("bernoulli_.float")(blank(kMany, dtype), p, no_generator());
      EXPECT_NEAR(drawn.to(at::kDouble).mean().item<double>(), p, 4e-3 * (p > 0 && p < 1)) << dtype;
    }
  }
}

TEST(Discrete, BernoulliOverloadsAgree) {
  const auto expected = draw("bernoulli_.float")(blank(1000), 0.375, no_generator());
  const auto p = at::full({1000}, 0.375, at::kFloat);
  EXPECT_TRUE(at::equal(draw("bernoulli")(p, no_generator()), expected));
  EXPECT_TRUE(at::equal(draw("bernoulli.p")(p, 0.375, no_generator()), expected));
  auto out = at::empty({0}, at::kLong);
  EXPECT_TRUE(at::equal(draw("bernoulli.out")(p, no_generator(), out), expected.to(at::kLong)));
  EXPECT_TRUE(at::equal(
      draw("bernoulli_.Tensor")(blank(1000), at::full({}, 0.375, at::kHalf), no_generator()),
      expected));
}

TEST(Discrete, BernoulliTakesAProbabilityForEachElement) {
  const auto p = at::linspace(0, 1, kMany, at::kDouble);
  const auto drawn = draw("bernoulli")(p, no_generator());
  EXPECT_NEAR((drawn - p).mean().item<double>(), 0, 4e-3);
  EXPECT_NEAR(drawn.slice(0, 0, kMany / 10).mean().item<double>(), 0.05, 5e-3);
}

TEST(Discrete, RefusesTypesWithTorchsTexts) {
  for (auto dtype : {at::kComplexFloat, at::kUInt16, at::kUInt64}) {
    expect_torch_error(draw("random_"), blank(3, dtype), no_generator());
    expect_torch_error(draw("bernoulli_.float"), blank(3, dtype), 0.5, no_generator());
    expect_torch_error(draw("bernoulli_.Tensor"), blank(3, dtype), at::ones({3}), no_generator());
    expect_torch_error(draw("bernoulli"), at::zeros({3}, dtype), no_generator());
  }
  expect_torch_error(draw("bernoulli_.Tensor"), blank(3), at::ones({3}, at::kInt), no_generator());
}

TEST(Discrete, RefusesParametersWithTorchsTexts) {
  for (double p : {2.0, -1.0}) {
    expect_torch_error(draw("bernoulli_.float"), blank(3), p, no_generator());
    expect_torch_error(draw("bernoulli.p"), blank(3), p, no_generator());
  }
  expect_torch_error(draw("bernoulli_.Tensor"), blank(3), at::ones({2}), no_generator());
  expect_torch_error(draw("random_.to"), blank(3), int64_t{0}, no_generator());
  const auto from = draw("random_.from");
  expect_torch_error(from, blank(3), int64_t{5}, int64_t{5}, no_generator());
  expect_torch_error(from, blank(3, at::kByte), int64_t{0}, int64_t{300}, no_generator());
  expect_torch_error(from, blank(3, at::kByte), int64_t{-1}, int64_t{30}, no_generator());
  expect_torch_error(from, blank(3, at::kBool), int64_t{0}, int64_t{3}, no_generator());
  expect_torch_error(from, blank(3, at::kChar), int64_t{130}, kUnbounded, no_generator());
  expect_torch_error(from, blank(3, at::kHalf), int64_t{0}, int64_t{70000}, no_generator());
  expect_torch_error(from, blank(3), int64_t{1} << 25, kUnbounded, no_generator());
}

TEST(Discrete, RefusesProbabilitiesOutsideTheUnitInterval) {
  for (double p : {2.0, -0.5, double{NAN}}) {
    const auto bad = at::full({3}, p, at::kFloat);
    expect_torch_error(draw("bernoulli"), bad, no_generator());
    expect_torch_error(draw("bernoulli_.Tensor"), blank(3), bad, no_generator());
  }
}

}  // namespace
}  // namespace moai::device
