#include <cmath>

#include "moai/device/aten/random/drawing_testing.h"

namespace moai::device {
namespace {

using testing::draw;
using testing::expect_torch_error;
using testing::no_generator;

at::Tensor randperm(int64_t n, at::ScalarType dtype = at::kLong, uint64_t counter = 7) {
  return draw("randperm.out", counter)(n, at::empty({0}, dtype));
}

TEST(Selection, RandpermHoldsEachIndexOnce) {
  for (int64_t n : {0, 1, 2, 15, 16, 17, 1000, 100003}) {
    const auto drawn = randperm(n);
    EXPECT_TRUE(at::equal(std::get<0>(drawn.sort()), at::arange(n))) << n;
  }
}

TEST(Selection, RandpermGivesEachOrderTheSameChance) {
  constexpr int kTrials = 12000;
  std::vector<int> seen(27);
  for (uint64_t counter = 0; counter < kTrials; ++counter) {
    const auto p = randperm(3, at::kLong, counter);
    const auto* v = p.const_data_ptr<int64_t>();
    ++seen[v[0] * 9 + v[1] * 3 + v[2]];
  }
  double chi = 0;
  for (int order : {5, 7, 11, 15, 19, 21}) {  // 012, 021, 102, 120, 201, 210
    const double off = seen[order] - kTrials / 6.0;
    chi += off * off / (kTrials / 6.0);
  }
  EXPECT_LT(chi, 20.5);  // once in a thousand
}

TEST(Selection, RandpermDoesNotDependOnTypeStridesOrThreads) {
  const auto expected = randperm(1000);
  for (auto dtype : {at::kInt, at::kShort, at::kHalf, at::kFloat, at::kDouble}) {
    EXPECT_TRUE(at::equal(randperm(1000, dtype).to(at::kLong), expected));
  }
  auto sparse = at::zeros({1000, 2}, at::kLong).select(1, 0);
  EXPECT_TRUE(at::equal(draw("randperm.out")(int64_t{1000}, sparse), expected));
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const auto alone = randperm(200000);
  at::set_num_threads(4);
  EXPECT_TRUE(at::equal(randperm(200000), alone));
  at::set_num_threads(threads);
}

TEST(Selection, RandpermRefusesWithTorchsTexts) {
  const auto out = draw("randperm.generator_out");
  const auto type = [](at::ScalarType dtype) { return at::empty({0}, dtype); };
  expect_torch_error(out, int64_t{-1}, no_generator(), type(at::kLong));
  expect_torch_error(out, int64_t{300}, no_generator(), type(at::kByte));
  expect_torch_error(out, int64_t{3000}, no_generator(), type(at::kHalf));
  expect_torch_error(out, int64_t{3}, no_generator(), type(at::kBool));
  expect_torch_error(out, int64_t{3}, no_generator(), type(at::kComplexFloat));
}

at::Tensor weights() { return at::tensor({0.5, 0.0, 1.0, 2.5, 0.0, 4.0}, at::kFloat); }

TEST(Selection, MultinomialWithReplacementFollowsTheWeights) {
  constexpr int64_t kMany = 100000;
  for (auto dtype : {at::kHalf, at::kBFloat16, at::kFloat, at::kDouble}) {
    const auto drawn = draw("multinomial")(weights().to(dtype), kMany, true, no_generator());
    const auto share = drawn.bincount({}, 6).to(at::kDouble) / kMany;
    EXPECT_TRUE(at::allclose(share, weights().to(at::kDouble) / 8, 0, 6e-3)) << dtype;
    EXPECT_EQ(share.size(0), 6);
    EXPECT_EQ(share[1].item<double>() + share[4].item<double>(), 0);
  }
}

TEST(Selection, MultinomialWithoutReplacementFollowsTheWeights) {
  constexpr int64_t kMany = 100000;
  const auto rows = weights().expand({kMany, 6});
  const auto drawn = draw("multinomial")(rows, int64_t{2}, false, no_generator());
  EXPECT_EQ((drawn.select(1, 0) == drawn.select(1, 1)).sum().item<int64_t>(), 0);
  const auto first = drawn.select(1, 0).bincount({}, 6).to(at::kDouble) / kMany;
  EXPECT_TRUE(at::allclose(first, weights().to(at::kDouble) / 8, 0, 6e-3));
  // Given the first, the second follows the rest: after 5 (weight 4) comes 3 with 2.5 of 4.
  const auto after_five = drawn.select(1, 1).index({drawn.select(1, 0) == 5});
  EXPECT_NEAR((after_five == 3).to(at::kDouble).mean().item<double>(), 0.625, 1e-2);
}

TEST(Selection, MultinomialRowsAreIndependent) {
  const auto rows = at::ones({2, 1000});
  for (bool replacement : {false, true}) {
    const auto drawn = draw("multinomial")(rows, int64_t{500}, replacement, no_generator());
    EXPECT_LT((drawn[0] == drawn[1]).sum().item<int64_t>(), 10);
    const auto alone = draw("multinomial")(rows[0], int64_t{500}, replacement, no_generator());
    EXPECT_TRUE(at::equal(drawn[0], alone));
  }
}

TEST(Selection, MultinomialDrawsFewerOfTheSameWithoutReplacement) {
  const auto some = draw("multinomial")(weights(), int64_t{2}, false, no_generator());
  const auto more = draw("multinomial")(weights(), int64_t{6}, false, no_generator());
  EXPECT_TRUE(at::equal(some, more.slice(0, 0, 2)));
  EXPECT_TRUE(at::equal(std::get<0>(more.sort()), at::arange(6)));
  // Categories without weight come last, in their order.
  EXPECT_TRUE(at::equal(more.slice(0, 4, 6), at::tensor({1, 4}, at::kLong)));
}

TEST(Selection, MultinomialWritesIntoOut) {
  auto out = at::zeros({2, 3}, at::kLong).select(1, 1);
  const auto expected = draw("multinomial")(weights(), int64_t{2}, false, no_generator());
  const auto result = draw("multinomial.out")(weights(), int64_t{2}, false, no_generator(), out);
  EXPECT_TRUE(result.is_same(out));
  EXPECT_TRUE(at::equal(out, expected));
  EXPECT_EQ(draw("multinomial")(at::ones({0, 3}), int64_t{2}, true, no_generator()).sizes(),
            (std::vector<int64_t>{0, 2}));
}

TEST(Selection, MultinomialRefusesWithTorchsTexts) {
  const auto refuse = [](const at::Tensor& p, int64_t samples) {
    for (bool replacement : {false, true}) {
      if (replacement && samples > 1) continue;
      expect_torch_error(draw("multinomial"), p, samples, replacement, no_generator());
    }
  };
  refuse(at::ones({3}), 0);
  refuse(at::ones({3}), 4);
  refuse(at::ones({2, 2, 2}), 1);
  refuse(at::ones({}), 1);
  refuse(at::ones({3}, at::kInt), 1);
  refuse(at::zeros({3}), 1);
  refuse(at::tensor({-1.0, 2.0}), 1);
  refuse(at::tensor({double{NAN}, 2.0}), 1);
  refuse(at::tensor({double{INFINITY}, 2.0}), 1);
  refuse(at::tensor({1.0, 1.0, 0.0, 0.0}).view({2, 2}), 1);
  refuse(at::ones({(1 << 24) + 1}), 1);
  expect_torch_error(draw("multinomial"), at::ones({3, 0}), int64_t{1}, true, no_generator());
  expect_torch_error(draw("multinomial.out"), at::ones({3}), int64_t{1}, true, no_generator(),
                     at::empty({1}));
}

}  // namespace
}  // namespace moai::device
