#include <cmath>

#include "moai/device/aten/random/drawing_testing.h"

namespace moai::device {
namespace {

using testing::draw;
using testing::expect_torch_error;
using testing::no_generator;
using testing::same_bits;

constexpr int64_t kMany = 100000;

at::Tensor all(double value, at::ScalarType type = at::kDouble) {
  return at::full({kMany}, value, type);
}

// Shares of the values around the mean, against their probabilities.
template <typename Probability>
void expect_shares(const at::Tensor& drawn, double mean, double deviation, const Probability& p) {
  for (int step = -3; step <= 3; ++step) {
    const double k = std::max(0.0, std::floor(mean + step * deviation));
    const double share = (drawn == k).to(at::kDouble).mean().item<double>();
    EXPECT_NEAR(share, p(k), 5 * std::sqrt(p(k) / kMany) + 1e-4) << mean << " at " << k;
  }
}

TEST(Counts, PoissonHasItsShares) {
  for (const double rate : {0.3, 4.0, 9.9, 10.1, 60.0, 5000.0}) {
    const auto drawn = draw("poisson")(all(rate), no_generator());
    EXPECT_NEAR(drawn.mean().item<double>(), rate, 5 * std::sqrt(rate / kMany));
    EXPECT_NEAR(drawn.var().item<double>() / rate, 1, 0.05);
    expect_shares(drawn, rate, std::sqrt(rate), [&](double k) {
      return std::exp(k * std::log(rate) - rate - std::lgamma(k + 1));
    });
  }
}

TEST(Counts, PoissonOfZeroIsZeroAndOfNegativeRatesTorchsError) {
  EXPECT_TRUE(at::equal(draw("poisson")(all(0), no_generator()), all(0)));
  expect_torch_error(draw("poisson"), at::full({3}, -1.0), no_generator());
  expect_torch_error(draw("poisson"), at::ones({3}, at::kInt), no_generator());
}

TEST(Counts, BinomialHasItsShares) {
  for (const double n : {1.0, 15.0, 40.0, 3000.0}) {
    for (const double p : {0.01, 0.25, 0.5, 0.9}) {
      const auto drawn = draw("binomial")(all(n), all(p), no_generator());
      const double variance = n * p * (1 - p);
      EXPECT_NEAR(drawn.mean().item<double>(), n * p, 5 * std::sqrt(variance / kMany));
      EXPECT_LE(drawn.max().item<double>(), n);
      EXPECT_GE(drawn.min().item<double>(), 0);
      expect_shares(drawn, n * p, std::sqrt(variance), [&](double k) {
        if (k > n) return 0.0;
        return std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1) +
                        k * std::log(p) + (n - k) * std::log(1 - p));
      });
    }
  }
}

TEST(Counts, BinomialAtItsEdges) {
  EXPECT_TRUE(at::equal(draw("binomial")(all(7), all(0), no_generator()), all(0)));
  EXPECT_TRUE(at::equal(draw("binomial")(all(7), all(1), no_generator()), all(7)));
  EXPECT_TRUE(at::equal(draw("binomial")(all(0), all(0.5), no_generator()), all(0)));
  EXPECT_TRUE(draw("binomial")(all(7), all(NAN), no_generator()).isnan().all().item<bool>());
}

TEST(Counts, DoNotDependOnTypesAndShapes) {
  const auto flat = draw("poisson")(at::full({12}, 20.0), no_generator());
  const auto shaped = draw("poisson")(at::full({3, 4}, 20.0), no_generator());
  EXPECT_TRUE(same_bits(flat.view({3, 4}), shaped));
  EXPECT_TRUE(at::equal(draw("poisson")(at::full({12}, 20.0, at::kDouble), no_generator()),
                        flat.to(at::kDouble)));
  at::Tensor out = at::empty({0});
  draw("poisson.out")(at::full({12}, 20.0), no_generator(), out);
  EXPECT_TRUE(same_bits(out, flat));
}

// Values that every build must give: changing one is a new version of docs/design/003-drawing.md.
TEST(Counts, AreFrozen) {
  const auto poisson =
      draw("poisson")(at::tensor({0.5, 3.0, 30.0, 3e5}, at::kDouble), no_generator());
  const auto binomial = draw("binomial")(at::tensor({9.0, 90.0, 9e5}, at::kDouble),
                                         at::full({3}, 0.375, at::kDouble), no_generator());
  EXPECT_TRUE(at::equal(poisson, at::tensor({0, 5, 36, 300908}, at::kDouble))) << poisson;
  EXPECT_TRUE(at::equal(binomial, at::tensor({3, 40, 338012}, at::kDouble))) << binomial;
}

}  // namespace
}  // namespace moai::device
