#include "moai/session/wire.h"

#include <gtest/gtest.h>

#include <random>

#include "moai/session/testing/wire_samples.h"

namespace moai::session {
namespace {

std::string frame(const WireMessage& m) {
  std::string out;
  encode(m, &out);
  return out.substr(4);
}

TEST(WireTest, EveryMessageSurvivesTheRoundTrip) {
  for (const WireMessage& message : one_of_each()) {
    const std::string bytes = frame(message);
    auto decoded = decode(bytes);
    ASSERT_TRUE(decoded.ok()) << decoded.status().to_string();
    EXPECT_EQ(decoded->index(), message.index());
    EXPECT_EQ(frame(*decoded), bytes);
  }
}

TEST(WireTest, FieldsKeepTheirPlaces) {
  auto start = decode(frame(one_of_each()[0]));
  ASSERT_TRUE(start.ok());
  const Start& s = std::get<Start>(*start);
  EXPECT_EQ(s.wire_version, kWireVersion);
  EXPECT_EQ(s.pid, 4711);
  EXPECT_EQ(s.command, "python train.py");
  EXPECT_EQ(s.manager_address, "10.0.0.1:7070");
  EXPECT_EQ(s.token, "secret");
  EXPECT_EQ(s.ca_path, "/etc/moreh/ca.pem");
  EXPECT_EQ(s.flavor, "large");
  EXPECT_EQ(s.device, "1");
  EXPECT_EQ(s.resume, "credential");
  auto granted = decode(frame(one_of_each()[6]));
  ASSERT_TRUE(granted.ok());
  const Granted& g = std::get<Granted>(*granted);
  EXPECT_EQ(g.job_id, 977753u);
  EXPECT_EQ(g.epoch, uint64_t{1} << 63);
  EXPECT_EQ(g.device_name, "MoAI Accelerator");
  ASSERT_EQ(g.workers.size(), 2u);
  EXPECT_EQ(g.workers[0].secret, std::string(32, '\x07'));
  EXPECT_EQ(g.workers[0].host_id, "boot/25.1");
  EXPECT_EQ(g.workers[1].address, "tls:10.0.0.2:9");
  EXPECT_EQ(g.workers[1].node, "back02");
  EXPECT_EQ(g.workers[1].device, 300u);
}

TEST(WireTest, TheBytesAreThoseOfTheSpecification) {
  std::string bytes;
  encode(Line{1, "hi"}, &bytes);
  EXPECT_EQ(bytes, std::string("\x05\0\0\0\x10\x01\x02hi", 9));
}

TEST(WireTest, TruncatedMessagesAreRefused) {
  for (const WireMessage& message : one_of_each()) {
    const std::string bytes = frame(message);
    for (size_t n = 0; n < bytes.size(); ++n) {
      EXPECT_FALSE(decode(std::string_view(bytes).substr(0, n)).ok())
          << message.index() << " " << n;
    }
    EXPECT_FALSE(decode(bytes + "x").ok()) << message.index();
  }
}

TEST(WireTest, HostileBytesAreRefused) {
  const std::string huge_count("\x12\x01\x01\0\0\x01\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 17);
  EXPECT_FALSE(decode(huge_count).ok());
  EXPECT_FALSE(decode(std::string("\x10\x05\0", 3)).ok()) << "a level beyond the last";
  EXPECT_FALSE(decode(std::string("\x13\x11\0", 3)).ok()) << "a code beyond the last";
  EXPECT_FALSE(decode("\xff").ok()) << "an unknown kind";
  EXPECT_FALSE(decode("").ok());
  EXPECT_FALSE(decode(std::string(kWireFrameBytesMax + 1, '\x02')).ok());
}

TEST(WireTest, RandomBytesNeverCrash) {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    if (!bytes.empty()) bytes[0] = static_cast<char>(random() % 21);
    auto message = decode(bytes);
    EXPECT_TRUE(!message.ok() || decode(frame(*message)).ok());
  }
}

TEST(WireTest, ASplitterGivesMessagesWhenTheyAreWhole) {
  std::string bytes;
  for (const WireMessage& message : one_of_each()) encode(message, &bytes);
  WireSplitter splitter;
  size_t seen = 0;
  for (char c : bytes) {
    splitter.feed({&c, 1});
    auto next = splitter.next();
    ASSERT_TRUE(next.ok());
    if (*next) {
      EXPECT_EQ((*next)->index(), seen++);
    }
  }
  EXPECT_EQ(seen, one_of_each().size());
}

TEST(WireTest, ASplitterRefusesALengthBeyondTheLimit) {
  WireSplitter splitter;
  splitter.feed("\xff\xff\xff\xff");
  EXPECT_FALSE(splitter.next().ok());
}

}  // namespace
}  // namespace moai::session
