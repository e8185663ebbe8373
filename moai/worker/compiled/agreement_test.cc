#include "moai/worker/compiled/agreement.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>

#include <limits>

namespace moai::worker {
namespace {

using testing::HasSubstr;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

at::Tensor of(std::vector<double> values, at::ScalarType type = at::kFloat) {
  return at::tensor(values, at::kDouble).to(type);
}

TEST(Agreement, AllowsWhatAnotherOrderOfSumsChanges) {
  EXPECT_EQ(agreement(of({1, -2, 3}), of({1.0001, -2, 3})), ok_status());
  EXPECT_EQ(agreement(of({0, 0}), of({1e-5, 0})), ok_status());
  EXPECT_EQ(agreement(of({1, 2}, at::kBFloat16), of({1.01, 2}, at::kBFloat16)), ok_status());
  EXPECT_EQ(agreement(of({1}, at::kDouble), of({1 + 1e-10}, at::kDouble)), ok_status());
  EXPECT_EQ(agreement(at::zeros({0}), at::zeros({0})), ok_status());
}

TEST(Agreement, SaysHowFarOthersAreOff) {
  const Status status = agreement(of({1, 1, 1, 1}), of({1.001, 1.001, 1.001, 1.001}));
  EXPECT_EQ(status.code(), Code::kAborted);
  EXPECT_THAT(status.message(), HasSubstr("differs by 0.001 in the mean"));
  EXPECT_FALSE(agreement(of({1}, at::kDouble), of({1 + 1e-6}, at::kDouble)).ok());
}

TEST(Agreement, OneElementMayNotHideBehindManyOthers) {
  at::Tensor expected = at::full({1'000'000}, 1.0f), other = expected.clone();
  other[7] = 1.02;
  EXPECT_FALSE(agreement(expected, other).ok());
  other[7] = 1.005;
  EXPECT_TRUE(agreement(expected, other).ok()) << "noise of one is no wrong operator";
}

TEST(Agreement, IsNoCloserThanTheNoise) {
  const at::Tensor expected = of({1, 1, 1, 1}), other = of({1.002, 1, 1, 1});
  ASSERT_FALSE(agreement(expected, other).ok());
  EXPECT_EQ(agreement(expected, other, {.mean = 3e-4, .most = 1e-3}), ok_status());
  EXPECT_FALSE(agreement(expected, of({1.01, 1, 1, 1}), {.mean = 3e-4, .most = 1e-3}).ok());
  EXPECT_FALSE(agreement(expected, of({1.9, 1, 1, 1}), {.mean = 1, .most = 0.1}).ok());
}

TEST(Noise, IsHowFarResultsMove) {
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(1);
  const at::Tensor values = at::full({1000}, 2.0f), other = moved(values, generator);
  const Noise noise = noise_of(values, other);
  EXPECT_NEAR(noise.mean, 2 * 4.8e-7, 1e-7);
  EXPECT_NEAR(noise.most, 2 * 4.8e-7, 1e-7);
  EXPECT_NEAR(values.sub(other).mean().item().toDouble(), 0, 2e-7) << "up as often as down";
  EXPECT_GT(noise_of(values.to(at::kBFloat16), moved(values.to(at::kBFloat16), generator)).most, 0);
  EXPECT_EQ(noise_of(of({1, kNan, kInf}), of({1.5, kNan, kInf})).most, 0.5);
  const at::Tensor whole = of({1, 2}, at::kLong);
  EXPECT_TRUE(moved(whole, generator).equal(whole));
  EXPECT_EQ(noise_of(whole, of({1, 9}, at::kLong)).most, 0);
  EXPECT_EQ((Noise{1, 5} | Noise{2, 3}).mean, 2);
  EXPECT_EQ((Noise{1, 5} | Noise{2, 3}).most, 5);
}

TEST(Agreement, WhatIsNoNumberStandsWhereItStood) {
  EXPECT_EQ(agreement(of({kNan, 1, kInf, -kInf}), of({kNan, 1, kInf, -kInf})), ok_status());
  EXPECT_FALSE(agreement(of({kNan, 1}), of({1, kNan})).ok());
  EXPECT_FALSE(agreement(of({1, 1}), of({1, kNan})).ok());
  EXPECT_FALSE(agreement(of({kInf, 1}), of({-kInf, 1})).ok());
  EXPECT_FALSE(agreement(of({kInf, 1}), of({kNan, 1})).ok());
}

TEST(Agreement, WholeNumbersAreEqual) {
  EXPECT_EQ(agreement(of({1, 2}, at::kLong), of({1, 2}, at::kLong)), ok_status());
  EXPECT_FALSE(agreement(of({1, 2}, at::kLong), of({1, 3}, at::kLong)).ok());
  EXPECT_FALSE(agreement(of({1, 0}, at::kBool), of({1, 1}, at::kBool)).ok());
}

TEST(Changes, ASmallStepThatIsWrongIsSeen) {
  const at::Tensor before = at::full({1000}, 0.1f);
  const at::Tensor stepped = before.sub(1e-4), wrong = before.sub(1.05e-4);
  ASSERT_EQ(agreement(stepped, wrong), ok_status()) << "it hides behind what it steps from";
  Changes changes;
  changes.add(before, stepped, wrong);
  EXPECT_THAT(changes.agreement().message(), HasSubstr("differs by 5 %, in 100 % of all elements"));
  Changes noise;
  noise.add(before, stepped, before.sub(1.0005e-4));
  EXPECT_EQ(noise.agreement(), ok_status());
}

TEST(Changes, WhatIsMadeIsItsOwnChange) {
  const at::Tensor made = at::full({10}, 1e-6f);
  Changes changes;
  changes.add({}, made, made.mul(1.1));
  EXPECT_FALSE(changes.agreement().ok());
  Changes others;
  others.add({}, of({1, 2}, at::kLong), of({1, 3}, at::kLong));
  others.add({}, of({kNan, 1}), of({kNan, 1}));
  others.add(at::zeros({0}), at::zeros({0}), at::zeros({0}));
  EXPECT_EQ(others.agreement(), ok_status());
}

TEST(Changes, AFewElementsMayBeNoise) {
  const at::Tensor many = at::full({100'000}, 1.0f), few = at::full({64}, 1e-9f);
  Changes changes;
  changes.add({}, many, many);
  changes.add({}, few, few.neg());
  EXPECT_EQ(changes.agreement(), ok_status());
  Changes more;
  more.add({}, few, few.neg());
  EXPECT_FALSE(more.agreement().ok());
  Changes noise;
  noise.add({}, few, few.neg(), {.mean = 1e-9, .most = 1e-9});
  EXPECT_EQ(noise.agreement(), ok_status());
}

TEST(Changes, NoChangeIsOneToo) {
  const at::Tensor before = at::full({10}, 3.0f);
  Changes same, other;
  same.add(before, before, before);
  EXPECT_EQ(same.agreement(), ok_status());
  other.add(before, before, before.add(1e-5));
  EXPECT_FALSE(other.agreement().ok());
}

}  // namespace
}  // namespace moai::worker
