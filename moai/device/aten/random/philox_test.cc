#include "moai/device/aten/random/philox.h"

#include <gtest/gtest.h>

#include <array>

namespace moai::device {
namespace {

using Words = std::array<uint32_t, 4>;

Words rounds(Words counter, uint32_t key0, uint32_t key1) {
  const PhiloxBlock block =
      philox_rounds({{counter[0], counter[1], counter[2], counter[3]}}, key0, key1);
  return {block.word[0], block.word[1], block.word[2], block.word[3]};
}

Words words(const PhiloxBlock& block) {
  return {block.word[0], block.word[1], block.word[2], block.word[3]};
}

TEST(Philox, YieldsThePublishedAnswers) {
  EXPECT_EQ(rounds({0, 0, 0, 0}, 0, 0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const uint32_t ones = 0xffffffff;
  EXPECT_EQ(rounds({ones, ones, ones, ones}, ones, ones),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(rounds({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0xa4093822, 0x299f31d0),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, PlacesElementCounterAndSeedInTheBlock) {
  const PhiloxStream stream{0x299f31d0a4093822, 0x0370734413198a2e};
  // Element and subsequence share the low half: 0x85 is the subsequence.
  EXPECT_EQ(words(philox(stream, 0xa308d3243f6a88, 0x85)),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, GivesItsWordsAsTwoDraws) {
  const PhiloxBlock block = philox({0, 0}, 0);
  EXPECT_EQ(block.first(), 0xe169c58d6627e8d5);
  EXPECT_EQ(block.second(), 0x9b00dbd8bc57ac4c);
}

}  // namespace
}  // namespace moai::device
