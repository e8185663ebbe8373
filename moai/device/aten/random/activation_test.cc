#include <cmath>

#include "moai/device/aten/random/drawing_testing.h"

namespace moai::device {
namespace {

using testing::draw;
using testing::expect_torch_error;
using testing::no_generator;

std::pair<at::Tensor, at::Tensor> both(const torch::jit::Stack& stack) {
  return {stack.at(0).toTensor(), stack.at(1).toTensor()};
}

std::pair<at::Tensor, at::Tensor> drop(const at::Tensor& input, double p,
                                       std::optional<bool> train = true) {
  return both(draw("native_dropout").all(input, p, train));
}

TEST(Activation, DropoutScalesWhatItKeeps) {
  const auto input = at::rand({400, 500});
  const auto [output, mask] = drop(input, 0.2);
  EXPECT_EQ(mask.scalar_type(), at::kBool);
  EXPECT_NEAR(mask.to(at::kDouble).mean().item<double>(), 0.8, 4e-3);
  EXPECT_TRUE(at::equal(output, input * mask * (1 / 0.8)));
}

TEST(Activation, DropoutMaskDoesNotDependOnTypeOrStrides) {
  const auto expected = drop(at::ones({40, 50}), 0.3).second;
  for (auto dtype : {at::kHalf, at::kBFloat16, at::kDouble, at::kComplexFloat}) {
    const auto [output, mask] = drop(at::ones({40, 50}, dtype), 0.3);
    EXPECT_TRUE(at::equal(mask, expected)) << dtype;
    EXPECT_EQ(output.scalar_type(), dtype);
  }
  const auto turned = drop(at::ones({50, 40}).t(), 0.3);
  EXPECT_TRUE(at::equal(turned.second, expected));
  EXPECT_EQ(turned.first.strides(), (std::vector<int64_t>{1, 40}));
}

TEST(Activation, DropoutHasTorchsEdgeCases) {
  const auto input = at::rand({10});
  EXPECT_EQ(drop(input, 1.0).first.abs().sum().item<double>(), 0);
  const auto [evaluated, kept] = drop(input, 0.5, false);
  EXPECT_TRUE(at::equal(evaluated, input));
  EXPECT_TRUE(kept.all().item<bool>());
  EXPECT_FALSE(evaluated.is_same(input));
  EXPECT_TRUE(at::equal(drop(input, 0.5, std::nullopt).second, drop(input, 0.5, true).second));
  EXPECT_EQ(drop(at::ones({0, 3}), 0.5).first.numel(), 0);
  for (double p : {2.0, -0.5}) {
    expect_torch_error(draw("native_dropout"), input, p, std::optional<bool>(true));
  }
  expect_torch_error(draw("native_dropout"), at::ones({3}, at::kInt), 0.5,
                     std::optional<bool>(true));
}

TEST(Activation, FusedDropoutTakesTheShareToKeep) {
  const auto input = at::ones({1000});
  const auto [output, mask] = both(draw("_fused_dropout").all(input, 0.75, no_generator()));
  const auto [same, expected] = drop(input, 0.25);
  EXPECT_TRUE(at::equal(output, same));
  EXPECT_TRUE(at::equal(mask, expected.to(at::kByte)));
}

const at::Scalar kLower = 0.1, kUpper = 0.3;

TEST(Activation, RreluDrawsASlopeForWhatIsNotPositive) {
  for (auto dtype : {at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    const auto self = at::linspace(-2, 1, 30000, at::kDouble).to(dtype);
    auto noise = at::zeros_like(self);
    const auto output = draw("rrelu_with_noise")(self, noise, kLower, kUpper, true, no_generator());
    EXPECT_TRUE(at::equal(output, self * noise)) << dtype;
    const auto slopes = noise.index({self <= 0}).to(at::kDouble);
    EXPECT_NEAR(slopes.mean().item<double>(), 0.2, 2e-3) << dtype;
    EXPECT_GE(slopes.min().item<double>(), at::full({}, 0.1, dtype).item<double>()) << dtype;
    EXPECT_LE(slopes.max().item<double>(), 0.3003) << dtype;
    EXPECT_TRUE((noise.index({self > 0}) == 1).all().item<bool>()) << dtype;
  }
}

TEST(Activation, RreluVariantsAgree) {
  const auto self = at::linspace(-2, 1, 300);
  auto noise = at::zeros_like(self), other = at::zeros_like(self);
  const auto expected = draw("rrelu_with_noise")(self, noise, kLower, kUpper, true, no_generator());
  auto in_place = self.clone();
  draw("rrelu_with_noise_")(in_place, other, kLower, kUpper, true, no_generator());
  EXPECT_TRUE(at::equal(in_place, expected));
  EXPECT_TRUE(at::equal(other, noise));
  auto out = at::empty({0});
  draw("rrelu_with_noise.out")(self, other, kLower, kUpper, true, no_generator(), out);
  EXPECT_TRUE(at::equal(out, expected));
  const auto untouched = at::zeros_like(self);
  const auto [functional, drawn] =
      both(draw("rrelu_with_noise_functional")
               .all(self, untouched, kLower, kUpper, true, no_generator()));
  EXPECT_TRUE(at::equal(functional, expected));
  EXPECT_TRUE(at::equal(drawn, noise));
  EXPECT_EQ(untouched.sum().item<double>(), 0);
}

TEST(Activation, RreluInEvaluationUsesTheMeanSlope) {
  const auto self = at::tensor({-1.0, 2.0});
  auto noise = at::full({2}, 7.0);
  const auto output = draw("rrelu_with_noise")(self, noise, kLower, kUpper, false, no_generator());
  EXPECT_TRUE(at::allclose(output, at::tensor({-0.2, 2.0})));
  EXPECT_EQ(noise.sum().item<double>(), 14);
}

TEST(Activation, RreluRefusesWithTorchsTexts) {
  const auto call = draw("rrelu_with_noise");
  expect_torch_error(call, at::ones({4}), at::ones({3}), kLower, kUpper, true, no_generator());
  expect_torch_error(call, at::ones({3}), at::ones({3}, at::kDouble), kLower, kUpper, true,
                     no_generator());
  expect_torch_error(call, at::ones({3}, at::kInt), at::ones({3}, at::kInt), kLower, kUpper, true,
                     no_generator());
  expect_torch_error(call, -at::ones({3}), at::ones({3}), kUpper, kLower, true, no_generator());
}

}  // namespace
}  // namespace moai::device
