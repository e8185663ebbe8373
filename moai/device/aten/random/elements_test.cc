#include "moai/device/aten/random/elements.h"

#include <gmock/gmock.h>

#include <random>

#include "moai/device/aten/random/lanes.h"

namespace moai::device {
namespace {

using testing::ElementsAre;

std::vector<uint64_t> all_of(const std::vector<ElementDigit>& digits) {
  int64_t count = 1;
  for (const ElementDigit& d : digits) count *= d.size;
  std::vector<uint64_t> found(static_cast<size_t>(count));
  Elements(digits).fill(0, count, found.data());
  return found;
}

TEST(Elements, AreThoseOfThePart) {
  EXPECT_THAT(all_of({{4, 1, 2}, {3, 0, 3}}), ElementsAre(3, 4, 5, 6, 7, 8));
  EXPECT_THAT(all_of({{2, 0, 2}, {4, 1, 2}, {2, 1, 1}}), ElementsAre(3, 5, 11, 13));
  EXPECT_THAT(all_of({{6, 2, 3}}), ElementsAre(2, 3, 4));
  EXPECT_THAT(all_of({}), ElementsAre(0));
}

TEST(Elements, AreCountedAndHalved) {
  const Elements part(std::vector<ElementDigit>{{2, 0, 2}, {4, 1, 2}, {2, 1, 1}});
  EXPECT_EQ(part.count(), 4);
  EXPECT_EQ(part.halves().count(), 8);
  std::vector<uint64_t> found(8);
  part.halves().fill(0, 8, found.data());
  EXPECT_THAT(found, ElementsAre(6, 7, 10, 11, 22, 23, 26, 27));
}

TEST(Elements, AnyRangeAgreesWithEachIndex) {
  std::mt19937 random(5);
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % n); };
  for (int round = 0; round < 200; ++round) {
    std::vector<ElementDigit> digits;
    int64_t count = 1;
    for (int64_t d = below(5); d >= 0; --d) {
      const int64_t whole = 1 + below(7), size = 1 + below(whole);
      digits.push_back({whole, below(whole - size + 1), size});
      count *= size;
    }
    const Elements elements(digits);
    const int64_t begin = below(count), length = 1 + below(count - begin);
    std::vector<uint64_t> found(static_cast<size_t>(length));
    elements.fill(begin, length, found.data());
    for (int64_t i = 0; i < length; ++i) {
      ASSERT_EQ(found[static_cast<size_t>(i)], elements.at(static_cast<uint64_t>(begin + i)));
    }
  }
}

TEST(Elements, NumbersOfAPartAreThoseOfTheWhole) {
  const PhiloxStream stream{.seed = 3, .counter = 9};
  const Elements part(std::vector<ElementDigit>{{9, 4, 3}, {40, 7, 21}});
  lanes::Bits whole, drawn;
  lanes::draw({.stream = stream, .begin = 0, .count = 360, .subsequence = 2}, whole);
  lanes::draw({.stream = {.seed = 3, .counter = 9, .elements = &part},
               .begin = 5,
               .count = 50,
               .subsequence = 2},
              drawn);
  for (uint64_t i = 0; i < 50; ++i) {
    EXPECT_EQ(drawn.first[i], whole.first[part.at(5 + i)]);
    EXPECT_EQ(drawn.second[i], whole.second[part.at(5 + i)]);
  }
}

}  // namespace
}  // namespace moai::device
