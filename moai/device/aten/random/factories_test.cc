#include "moai/device/aten/random/drawing_testing.h"

namespace moai::device {
namespace {

using testing::draw;
using testing::expect_torch_error;
using testing::no_generator;

const std::vector<int64_t> kSize = {30, 20};
const std::optional<at::ScalarType> kDouble = at::kDouble, kDefaultType;
const std::optional<at::Layout> kLayout;
const std::optional<at::Device> kDevice;
const std::optional<bool> kPin;
const std::optional<at::MemoryFormat> kFormat;

at::Tensor blank(at::ScalarType dtype = at::kDouble) { return at::empty(kSize, dtype); }

TEST(Factories, DrawWhatTheInPlaceOperatorDraws) {
  const auto uniform = draw("uniform_")(blank(), 0.0, 1.0, no_generator());
  EXPECT_TRUE(at::equal(draw("rand")(kSize, kDouble, kLayout, kDevice, kPin), uniform));
  EXPECT_TRUE(at::equal(
      draw("rand.generator")(kSize, no_generator(), kDouble, kLayout, kDevice, kPin), uniform));
  EXPECT_TRUE(at::equal(draw("rand.out")(kSize, at::empty({0}, at::kDouble)), uniform));
  EXPECT_TRUE(at::equal(
      draw("rand_like")(blank(at::kInt), kDouble, kLayout, kDevice, kPin, kFormat), uniform));
  const auto normal = draw("normal_")(blank(), 0.0, 1.0, no_generator());
  EXPECT_TRUE(at::equal(draw("randn")(kSize, kDouble, kLayout, kDevice, kPin), normal));
  EXPECT_TRUE(at::equal(draw("randn_like")(blank(), kDefaultType, kLayout, kDevice, kPin, kFormat),
                        normal));
  EXPECT_TRUE(at::equal(
      draw("normal.float_float")(0.0, 1.0, kSize, no_generator(), kDouble, kLayout, kDevice, kPin),
      normal));
}

TEST(Factories, IntegersDrawWhatRandomDraws) {
  const std::optional<at::ScalarType> type = at::kLong;
  const auto expected =
      draw("random_.from")(blank(at::kLong), int64_t{0}, int64_t{10}, no_generator());
  EXPECT_TRUE(
      at::equal(draw("randint")(int64_t{10}, kSize, type, kLayout, kDevice, kPin), expected));
  EXPECT_TRUE(
      at::equal(draw("randint.low")(int64_t{5}, int64_t{15}, kSize, type, kLayout, kDevice, kPin),
                expected + 5));
  EXPECT_TRUE(at::equal(draw("randint_like")(blank(at::kLong), int64_t{10}, kDefaultType, kLayout,
                                             kDevice, kPin, kFormat),
                        expected));
  EXPECT_TRUE(
      at::equal(draw("randint.low_out")(int64_t{5}, int64_t{15}, kSize, at::empty({0}, at::kLong)),
                expected + 5));
  EXPECT_TRUE(at::equal(draw("randperm")(int64_t{50}, type, kLayout, kDevice, kPin),
                        draw("randperm.out")(int64_t{50}, at::empty({0}, at::kLong))));
}

TEST(Factories, RefuseWithTorchsTexts) {
  const std::optional<at::ScalarType> type = at::kInt;
  expect_torch_error(draw("rand"), kSize, type, kLayout, kDevice, kPin);
  expect_torch_error(draw("randint"), int64_t{0}, kSize, type, kLayout, kDevice, kPin);
  expect_torch_error(draw("randperm"), int64_t{-1}, type, kLayout, kDevice, kPin);
}

TEST(Derived, FunctionalFormsLeaveTheirInputAlone) {
  const auto self = at::zeros({20, 30}).t();
  const auto expected = draw("uniform_")(at::empty(kSize), 2.0, 3.0, no_generator());
  const auto drawn = draw("uniform")(self, 2.0, 3.0, no_generator());
  EXPECT_TRUE(at::equal(drawn, expected));
  EXPECT_EQ(drawn.strides(), self.strides());
  EXPECT_EQ(self.abs().sum().item<double>(), 0);
}

TEST(Derived, OutFormsResizeTheirResult) {
  auto out = at::empty({0});
  const auto expected = draw("normal_")(at::empty(kSize), 2.0, 3.0, no_generator());
  EXPECT_TRUE(draw("normal.out")(at::empty(kSize), 2.0, 3.0, no_generator(), out).is_same(out));
  EXPECT_TRUE(at::equal(out, expected));
}

}  // namespace
}  // namespace moai::device
