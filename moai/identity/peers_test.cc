#include "moai/identity/peers.h"

#include <gtest/gtest.h>

#include <random>

namespace moai::identity {
namespace {

const std::vector<Peer> kThree = {
    {"unix:/run/w0 a.sock", "boot/1"}, {"tls:10.0.0.2:9", "boot/2"}, {"", ""}};

TEST(Peers, SurviveTheRoundTrip) {
  EXPECT_EQ(decode_peers(encode_peers(kThree)).value(), kThree);
  EXPECT_EQ(decode_peers(encode_peers({})).value(), std::vector<Peer>{});
}

TEST(Peers, TheBytesAreThoseOfTheSpecification) {
  EXPECT_EQ(encode_peers({{"ab", "c"}}), std::string("\x01\x02"
                                                     "ab\x01"
                                                     "c"));
}

TEST(Peers, WhatIsCutShortOrTooLongIsRefused) {
  const std::string whole = encode_peers(kThree);
  for (size_t n = 0; n < whole.size(); ++n)
    EXPECT_EQ(decode_peers(whole.substr(0, n)).status().code(), Code::kInvalidArgument) << n;
  EXPECT_FALSE(decode_peers(whole + "x").ok());
  EXPECT_FALSE(decode_peers("\xff\xff\xff\xff\xff\xff\xff\xff\x7f").ok());
}

TEST(Peers, RandomBytesNeverCrash) {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(random() % 20, '\0');
    for (char& c : bytes) c = static_cast<char>(random() % 8);
    const auto peers = decode_peers(bytes);
    if (peers.ok()) {
      EXPECT_EQ(encode_peers(*peers), bytes);
    }
  }
}

TEST(Peers, ShareMemoryWhereAllHaveTheSameKnownHost) {
  EXPECT_TRUE(share_memory({{"a", "h"}, {"b", "h"}}));
  EXPECT_FALSE(share_memory({{"a", "h"}, {"b", "i"}}));
  EXPECT_FALSE(share_memory({{"a", ""}, {"b", ""}})) << "not known is not the same";
  EXPECT_FALSE(share_memory({{"a", "h"}, {"b", ""}}));
}

}  // namespace
}  // namespace moai::identity
