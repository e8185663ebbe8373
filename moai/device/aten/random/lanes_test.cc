#include "moai/device/aten/random/lanes.h"

#include <gtest/gtest.h>

#include <array>

namespace moai::device::lanes {
namespace {

constexpr PhiloxStream kStream{0x0123456789abcdef, 42};

Bits drawn(int64_t begin, int64_t count, uint8_t subsequence = 0) {
  Bits bits{};
  draw({kStream, begin, count, subsequence}, bits);
  return bits;
}

TEST(Lanes, DrawAsTheScalarFunctionDoes) {
  const int64_t begin = (int64_t{1} << 33) - 3;  // across the border of a word
  const Bits bits = drawn(begin, kMax, 5);
  for (int64_t i = 0; i < kMax; ++i) {
    const PhiloxBlock block = philox(kStream, static_cast<uint64_t>(begin + i), 5);
    ASSERT_EQ(bits.first[i], block.first()) << i;
    ASSERT_EQ(bits.second[i], block.second()) << i;
  }
}

// One element at a time takes the loops' scalar remainder, many their vector part.
template <typename T, typename Loop>
void expect_same_bits_alone(const Loop& loop) {
  std::array<T, kMax> together{};
  loop(drawn(0, kMax), kMax, together.data());
  for (int64_t i = 0; i < kMax; ++i) {
    T alone{};
    loop(drawn(i, 1), 1, &alone);
    ASSERT_EQ(together[i], alone) << i;
  }
}

TEST(Lanes, VectorsAndSingleElementsGiveTheSameBits) {
  expect_same_bits_alone<float>(
      [](const Bits& bits, int64_t n, float* out) { uniform(bits, n, 24, 0.3f, 7.1f, out); });
  expect_same_bits_alone<double>(
      [](const Bits& bits, int64_t n, double* out) { uniform(bits, n, 53, 0.3, 7.1, out); });
  expect_same_bits_alone<float>(
      [](const Bits& bits, int64_t n, float* out) { normal(bits, n, 0.3f, 7.1f, out); });
  expect_same_bits_alone<double>(
      [](const Bits& bits, int64_t n, double* out) { normal(bits, n, 0.3, 7.1, out); });
  expect_same_bits_alone<float>(
      [](const Bits& bits, int64_t n, float* out) { exponential(bits, n, out); });
  expect_same_bits_alone<double>(
      [](const Bits& bits, int64_t n, double* out) { exponential(bits, n, out); });
  for (uint64_t range : {uint64_t{0}, uint64_t{3}, uint64_t{1} << 31, (uint64_t{1} << 31) + 1}) {
    expect_same_bits_alone<int64_t>(
        [&](const Bits& bits, int64_t n, int64_t* out) { integer(bits, n, range, -5, out); });
  }
  expect_same_bits_alone<bool>(
      [](const Bits& bits, int64_t n, bool* out) { bernoulli(bits, n, 0.4, out); });
}

TEST(Lanes, IntegerIsTheHighWordOfTheProduct) {
  const Bits bits = drawn(0, kMax);
  std::array<int64_t, kMax> out;
  for (uint64_t range : {uint64_t{7}, uint64_t{1} << 31, uint64_t{1} << 40, ~uint64_t{0}}) {
    integer(bits, kMax, range, 0, out.data());
    for (int64_t i = 0; i < kMax; ++i) {
      const auto product = static_cast<unsigned __int128>(bits.first[i]) * range;
      ASSERT_EQ(static_cast<uint64_t>(out[i]), static_cast<uint64_t>(product >> 64));
    }
  }
}

uint64_t hash(const void* data, size_t size, uint64_t state) {
  const auto* byte = static_cast<const unsigned char*>(data);
  for (size_t i = 0; i < size; ++i) state = (state ^ byte[i]) * 1099511628211u;
  return state;
}

// Replayed and resumed jobs must draw the numbers they drew before, on any machine: a change of
// this value breaks them and needs a new version of the mapping.
TEST(Lanes, KeepTheirNumbersForever) {
  uint64_t state = 1469598103934665603u;
  float narrow[kMax];
  double wide[kMax];
  int64_t whole[kMax];
  const auto mix = [&](const auto& values) { state = hash(values, sizeof(values), state); };
  for (int64_t begin = 0; begin < 64 * kMax; begin += kMax) {
    const Bits bits = drawn(begin, kMax);
    uniform(bits, kMax, 24, 0.1f, 3.0f, narrow), mix(narrow);
    uniform(bits, kMax, 53, 0.1, 3.0, wide), mix(wide);
    normal(bits, kMax, 0.1f, 3.0f, narrow), mix(narrow);
    normal(bits, kMax, 0.1, 3.0, wide), mix(wide);
    exponential(bits, kMax, narrow), mix(narrow);
    exponential(bits, kMax, wide), mix(wide);
    integer(bits, kMax, 1000, 3, whole), mix(whole);
    integer(bits, kMax, uint64_t{1} << 50, 3, whole), mix(whole);
  }
  EXPECT_EQ(state, 111455280529052339u);
}

// Bits of both ends of the range, which hardly any sample meets.
TEST(Lanes, ExtremeBitsStayInRange) {
  Bits bits{};
  bits.first[0] = bits.second[0] = 0;
  bits.first[1] = bits.second[1] = ~uint64_t{0};
  float narrow[2];
  double wide[2];
  uniform(bits, 2, 24, 0.0f, 1.0f, narrow);
  EXPECT_EQ(narrow[0], 0.0f);
  EXPECT_EQ(narrow[1], 1.0f - 0x1p-24f);
  exponential(bits, 2, narrow);
  EXPECT_NEAR(narrow[0], 22.18f, 0.01f);
  EXPECT_GT(narrow[1], 0.0f);
  exponential(bits, 2, wide);
  EXPECT_NEAR(wide[0], 36.74, 0.01);
  EXPECT_GT(wide[1], 0.0);
  normal(bits, 2, 0.0f, 1.0f, narrow);
  EXPECT_NEAR(narrow[0], 6.66f, 0.01f);
  EXPECT_NEAR(narrow[1], 0.0f, 1e-3f);
  bool happened[2];
  bernoulli(bits, 2, 1.0, happened);
  EXPECT_TRUE(happened[0] && happened[1]);
  bernoulli(bits, 2, 0.0, happened);
  EXPECT_FALSE(happened[0] || happened[1]);
  bernoulli(bits, 2, 1e-30, happened);
  EXPECT_TRUE(happened[0]);
}

}  // namespace
}  // namespace moai::device::lanes
