#include <cmath>

#include "moai/device/aten/random/drawing_testing.h"

namespace moai::device {
namespace {

using testing::draw;
using testing::expect_torch_error;
using testing::no_generator;
using testing::same_bits;

constexpr int64_t kMany = 200000;

at::Tensor gamma(double alpha) {
  return draw("_standard_gamma")(at::full({kMany}, alpha, at::kDouble), no_generator());
}

TEST(Gamma, IsGamma) {
  EXPECT_LT(testing::kolmogorov(gamma(1), [](double x) { return 1 - std::exp(-x); }), 1.95);
  EXPECT_LT(testing::kolmogorov(gamma(0.5), [](double x) { return std::erf(std::sqrt(x)); }), 1.95);
  EXPECT_LT(testing::kolmogorov(gamma(3),
                                [](double x) { return 1 - std::exp(-x) * (1 + x + x * x / 2); }),
            1.95);
  for (const double alpha : {0.01, 7.5, 1e6}) {
    const auto drawn = gamma(alpha);
    EXPECT_NEAR(drawn.mean().item<double>(), alpha, 5 * std::sqrt(alpha / kMany));
    EXPECT_NEAR(drawn.var().item<double>() / alpha, 1, alpha < 1 ? 0.2 : 0.03);
  }
}

TEST(Gamma, OfShapeZeroIsTheSmallestNumber) {
  const auto drawn = draw("_standard_gamma")(at::zeros({3}), no_generator());
  EXPECT_TRUE(at::equal(drawn, at::full({3}, std::numeric_limits<float>::min())));
  expect_torch_error(draw("_standard_gamma"), at::ones({3}, at::kHalf), no_generator());
}

TEST(Gamma, DirichletRowsSumToOne) {
  const auto alpha = at::tensor({0.5, 1.0, 6.5}, at::kDouble).expand({20000, 3});
  const auto drawn = draw("_sample_dirichlet")(alpha, no_generator());
  EXPECT_TRUE(at::allclose(drawn.sum(1), at::ones({20000}, at::kDouble)));
  const auto mean = drawn.mean(0);
  EXPECT_TRUE(at::allclose(mean, at::tensor({0.0625, 0.125, 0.8125}, at::kDouble), 0, 0.005));
  EXPECT_GT(drawn.min().item<double>(), 0);
  expect_torch_error(draw("_sample_dirichlet"), at::ones({3}, at::kHalf), no_generator());
}

TEST(Gamma, DrawsAPrefixAndDoesNotDependOnStrides) {
  const auto whole = draw("_standard_gamma")(at::full({8, 3}, 2.0), no_generator());
  const auto part = draw("_standard_gamma")(at::full({4, 3}, 2.0), no_generator());
  EXPECT_TRUE(same_bits(whole.slice(0, 0, 4), part));
  const auto turned = draw("_standard_gamma")(at::full({3, 8}, 2.0).t(), no_generator());
  EXPECT_TRUE(same_bits(turned, whole));
}

// Values that every build must give: changing one is a new version of docs/design/003-drawing.md.
TEST(Gamma, IsFrozen) {
  const auto drawn =
      draw("_standard_gamma")(at::tensor({0.5, 1.0, 30.0}, at::kDouble), no_generator());
  EXPECT_TRUE(at::equal(
      drawn,
      at::tensor({0x1.324239fc6bd17p-5, 0x1.709d9b4b9786ep-2, 0x1.ba626594d8717p+4}, at::kDouble)))
      << std::hexfloat << drawn[0].item<double>() << " " << drawn[1].item<double>() << " "
      << drawn[2].item<double>();
}

}  // namespace
}  // namespace moai::device
