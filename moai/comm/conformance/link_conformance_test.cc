// What every Link must do, whatever carries it.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "moai/comm/conformance/link_pairs.h"

namespace moai::comm {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class LinkConformance : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    links_ = make_links(GetParam());
    ASSERT_TRUE(links_.client && links_.server);
  }
  Link* client() { return links_.client.get(); }
  Link* server() { return links_.server.get(); }

  LinkPair links_;
};

std::string pattern(size_t size, uint32_t seed) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
  return text;
}

TEST_P(LinkConformance, FramesArriveInOrderBothWays) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(send_text(client(), "to server " + std::to_string(i)).ok());
    ASSERT_TRUE(send_text(server(), "to client " + std::to_string(i)).ok());
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(receive_text(server()), "to server " + std::to_string(i));
    EXPECT_EQ(receive_text(client()), "to client " + std::to_string(i));
  }
}

TEST_P(LinkConformance, PartsBecomeOneFrame) {
  const std::array<std::string_view, 5> few = {"a", "", "bc", "", "def"};
  ASSERT_TRUE(client()->send(few, milliseconds(1000)).ok());
  EXPECT_EQ(receive_text(server()), "abcdef");
  ASSERT_TRUE(client()->send({}, milliseconds(1000)).ok());
  EXPECT_EQ(receive_text(server()), "");
  std::vector<std::string> texts;
  std::string whole;
  for (uint32_t i = 0; i < 3000; ++i) whole += texts.emplace_back(pattern(i % 50, i));
  const std::vector<std::string_view> many(texts.begin(), texts.end());
  ASSERT_TRUE(client()->send(many, milliseconds(1000)).ok());
  EXPECT_EQ(receive_text(server()), whole);
}

TEST_P(LinkConformance, FramesOfAllSizesArriveWhole) {
  std::vector<size_t> sizes = {0, 1, 7, 8, 32760, 32768, 32769, 131064, 131072, 200000};
  sizes.insert(sizes.end(), {3 << 20, 5, (9 << 20) + 3, 70000, 1});
  std::thread sender([&] {
    for (size_t size : sizes) {
      EXPECT_TRUE(send_text(client(), pattern(size, static_cast<uint32_t>(size))).ok());
    }
  });
  for (size_t size : sizes) {
    const std::string frame = receive_text(server());
    EXPECT_TRUE(frame == pattern(size, static_cast<uint32_t>(size)))
        << "frame of " << size << " bytes, came " << frame.size();
  }
  sender.join();
}

TEST_P(LinkConformance, BothDirectionsRunAtOnce) {
  constexpr int kFrames = 300;
  const auto exchange = [](Link* link, uint32_t own, uint32_t other) {
    std::thread sender([=] {
      for (int i = 0; i < kFrames; ++i) {
        EXPECT_TRUE(send_text(link, pattern(20000, own + static_cast<uint32_t>(i))).ok());
      }
    });
    for (int i = 0; i < kFrames; ++i) {
      EXPECT_TRUE(receive_text(link) == pattern(20000, other + static_cast<uint32_t>(i)));
    }
    sender.join();
  };
  std::thread peer([&] { exchange(server(), 1, 1000); });
  exchange(client(), 1000, 1);
  peer.join();
}

TEST_P(LinkConformance, ReceiveKeepsItsDeadlineAndTheLink) {
  const auto start = steady_clock::now();
  EXPECT_EQ(server()->receive(in_ms(30), {}).status().code(), Code::kDeadlineExceeded);
  EXPECT_GE(steady_clock::now() - start, milliseconds(30));
  EXPECT_EQ(server()->receive(in_ms(-5), {}).status().code(), Code::kDeadlineExceeded);
  ASSERT_TRUE(send_text(client(), "later").ok());
  EXPECT_EQ(receive_text(server()), "later");
}

TEST_P(LinkConformance, APastDeadlineStillTakesWhatIsThere) {
  ASSERT_TRUE(send_text(client(), "there").ok());
  while (!server()->readable()) std::this_thread::yield();
  const auto frame = server()->receive(in_ms(-5), {});
  ASSERT_TRUE(frame.ok()) << frame.status().to_string();
  EXPECT_EQ(*frame, "there");
}

TEST_P(LinkConformance, InterruptEndsAWait) {
  int looks = 0;
  const auto interrupt = [&] { return ++looks < 2 ? ok_status() : cancelled("by the user"); };
  const auto start = steady_clock::now();
  const Status status = server()->receive(in_ms(10000), interrupt).status();
  EXPECT_EQ(status, cancelled("by the user"));
  EXPECT_LT(steady_clock::now() - start, milliseconds(2000));
  ASSERT_TRUE(send_text(client(), "after").ok());
  EXPECT_EQ(receive_text(server()), "after");
}

TEST_P(LinkConformance, ReadableTellsWhetherAFrameIsWhole) {
  EXPECT_FALSE(server()->readable());
  ASSERT_TRUE(send_text(client(), "one").ok());
  ASSERT_TRUE(send_text(client(), "two").ok());
  for (const char* text : {"one", "two"}) {
    while (!server()->readable()) std::this_thread::yield();
    EXPECT_EQ(receive_text(server()), text);
  }
  EXPECT_FALSE(server()->readable());
}

TEST_P(LinkConformance, CloseWakesAReceiver) {
  std::atomic<bool> waiting = false;
  const auto interrupt = [&] {
    waiting = true;
    return ok_status();
  };
  std::thread closer([&] {
    while (!waiting) std::this_thread::yield();
    server()->close();
  });
  EXPECT_EQ(server()->receive(in_ms(10000), interrupt).status().code(), Code::kCancelled);
  closer.join();
  EXPECT_EQ(server()->receive(in_ms(1000), {}).status().code(), Code::kCancelled);
  EXPECT_EQ(send_text(server(), "x").code(), Code::kCancelled);
}

TEST_P(LinkConformance, CloseWakesASender) {
  const std::string block = pattern(1 << 20, 1);
  std::atomic<int> sent = 0;
  std::thread sender([&] {
    Status status;
    while (status.ok()) {
      status = send_text(client(), block);
      ++sent;
    }
    EXPECT_EQ(status.code(), Code::kCancelled);
  });
  // The sender is stuck once a while passed without progress.
  for (int seen = -1; seen != sent;) {
    seen = sent;
    EXPECT_EQ(client()->receive(in_ms(50), {}).status().code(), Code::kDeadlineExceeded);
  }
  client()->close();
  sender.join();
}

TEST_P(LinkConformance, AStalledPeerEndsSending) {
  const std::string block = pattern(1 << 20, 1);
  Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) {
    status = client()->send(std::array{std::string_view(block)}, milliseconds(50));
  }
  EXPECT_EQ(status.code(), Code::kDeadlineExceeded) << status.to_string();
  EXPECT_EQ(send_text(client(), "x").code(), Code::kUnavailable);
}

TEST_P(LinkConformance, WhatWasSentBeforeACloseArrives) {
  ASSERT_TRUE(send_text(client(), "last words").ok());
  client()->close();
  EXPECT_EQ(receive_text(server()), "last words");
  EXPECT_EQ(server()->receive(in_ms(5000), {}).status().code(), Code::kUnavailable);
  EXPECT_TRUE(server()->readable());
}

TEST_P(LinkConformance, SendingToAGonePeerIsUnavailable) {
  links_.server.reset();
  Status status;
  const auto end = in_ms(5000);
  while (status.ok() && steady_clock::now() < end) status = send_text(client(), "anybody?");
  EXPECT_EQ(status.code(), Code::kUnavailable) << status.to_string();
}

TEST_P(LinkConformance, OversizedFramesAreRefusedAtTheSender) {
  const std::string_view one_byte = "x";
  const std::vector<char> block(size_t{64} << 20);
  std::vector<std::string_view> parts(16, std::string_view(block.data(), block.size()));
  parts.push_back(one_byte);
  EXPECT_EQ(client()->send(parts, milliseconds(10)).code(), Code::kInvalidArgument);
}

TEST_P(LinkConformance, CountersCountFramesBothWays) {
  const Link::Counters before = client()->counters();
  ASSERT_TRUE(send_text(client(), "12345").ok());
  EXPECT_EQ(receive_text(server()), "12345");
  ASSERT_TRUE(send_text(server(), "123").ok());
  EXPECT_EQ(receive_text(client()), "123");
  const Link::Counters after = client()->counters();
  EXPECT_EQ(after.frames_sent - before.frames_sent, 1u);
  EXPECT_EQ(after.frames_received - before.frames_received, 1u);
  EXPECT_GE(after.bytes_sent - before.bytes_sent, 5u);
  EXPECT_GE(after.bytes_received - before.bytes_received, 3u);
  EXPECT_FALSE(client()->peer().empty());
}

TEST_P(LinkConformance, AForkedChildDropsItsCopyWithoutAWord) {
  if (GetParam() == "memory") GTEST_SKIP() << "a child has no peer in memory";
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    links_.client.reset();
    links_.server.reset();
    ::_exit(0);
  }
  int state = 0;
  ASSERT_EQ(::waitpid(child, &state, 0), child);
  EXPECT_TRUE(WIFEXITED(state) && WEXITSTATUS(state) == 0);
  ASSERT_TRUE(send_text(client(), "still here").ok());
  EXPECT_EQ(receive_text(server()), "still here");
}

INSTANTIATE_TEST_SUITE_P(Kinds, LinkConformance, testing::Values("memory", "unix", "tcp", "tls"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace moai::comm
