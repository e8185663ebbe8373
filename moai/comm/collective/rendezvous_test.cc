#include "moai/comm/collective/rendezvous.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "moai/comm/collective/frame.h"
#include "moai/comm/conformance/link_pairs.h"

namespace moai::comm {
namespace {

class Rendezvous : public testing::Test {
 protected:
  void listen_all(int ranks, const std::string& address = "tcp:127.0.0.1:0") {
    for (int rank = 0; rank < ranks; ++rank) {
      auto listener = listen(address, tls_.server);
      ASSERT_TRUE(listener.ok()) << listener.status().to_string();
      addresses_.push_back((*listener)->address());
      listeners_.push_back(*std::move(listener));
    }
  }
  auto link(int rank, const std::string& secret = "secret", int64_t ms = 10'000) {
    return link_ranks(listeners_[static_cast<size_t>(rank)].get(), addresses_, rank, secret,
                      in_ms(ms), tls_.client);
  }
  void expect_all_linked(int ranks) {
    std::vector<std::vector<std::unique_ptr<Link>>> links(static_cast<size_t>(ranks));
    std::vector<std::thread> threads;
    for (int rank = 0; rank < ranks; ++rank) {
      threads.emplace_back([this, rank, &links] {
        auto made = link(rank);
        ASSERT_TRUE(made.ok()) << made.status().to_string();
        links[static_cast<size_t>(rank)] = *std::move(made);
      });
    }
    for (auto& thread : threads) thread.join();
    for (size_t a = 0; a < links.size(); ++a) {
      for (size_t b = 0; b < links.size(); ++b) {
        ASSERT_EQ(links[a][b] == nullptr, a == b);
        if (a == b) continue;
        ASSERT_TRUE(send_text(links[a][b].get(), std::to_string(a)).ok());
      }
    }
    for (size_t a = 0; a < links.size(); ++a) {
      for (size_t b = 0; b < links.size(); ++b) {
        if (a == b) continue;
        EXPECT_EQ(receive_text(links[a][b].get()), std::to_string(b));
      }
    }
  }

  TlsPair tls_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::vector<std::string> addresses_;
};

TEST_F(Rendezvous, EveryTwoRanksAreLinked) {
  listen_all(4);
  expect_all_linked(4);
}

TEST_F(Rendezvous, LinksMayBeEncrypted) {
  tls_ = make_tls();
  listen_all(3, "tls:127.0.0.1:0");
  expect_all_linked(3);
}

TEST_F(Rendezvous, StrangersAreSentAway) {
  listen_all(2);
  const auto say = [&](const std::string& text) {
    auto stranger = connect(addresses_[0], in_ms(5000));
    EXPECT_TRUE(stranger.ok()) << stranger.status().to_string();
    EXPECT_TRUE(send_text(stranger->get(), text).ok());
    return *std::move(stranger);
  };
  const auto wrong = say(encode(Greeting{.secret = "guess", .rank = 1}));
  const auto noise = say("GET / HTTP/1.1");
  const auto other = say(encode(Greeting{.secret = "secret", .rank = 0}));
  const auto absent = say(encode(Greeting{.secret = "secret", .rank = 2}));
  expect_all_linked(2);
  for (Link* link : {wrong.get(), noise.get(), other.get(), absent.get()}) {
    EXPECT_EQ(link->receive(in_ms(5000), {}).status().code(), Code::kUnavailable);
  }
}

TEST_F(Rendezvous, ARankThatDoesNotComeIsNamed) {
  listen_all(3);
  const Status waits = link(0, "secret", 100).status();
  EXPECT_EQ(waits.code(), Code::kDeadlineExceeded) << waits.to_string();
  EXPECT_NE(waits.message().find("rank 1, 2"), std::string::npos) << waits.message();
  listeners_[0].reset();
  const Status reaches = link(1, "secret", 100).status();
  EXPECT_EQ(reaches.code(), Code::kUnavailable) << reaches.to_string();
  EXPECT_NE(reaches.message().find("rank 0"), std::string::npos) << reaches.message();
}

}  // namespace
}  // namespace moai::comm
