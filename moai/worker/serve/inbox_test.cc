#include "moai/worker/serve/inbox.h"

#include <gtest/gtest.h>

#include <thread>

#include "moai/comm/link/memory.h"

namespace moai::worker {
namespace {

using std::chrono::milliseconds;

comm::Deadline in(int ms) { return std::chrono::steady_clock::now() + milliseconds(ms); }

class InboxTest : public testing::Test {
 protected:
  void send(const std::string& frame) {
    const std::string_view parts[] = {frame};
    EXPECT_EQ(links_.first->send(parts, milliseconds(1000)), ok_status());
  }

  std::pair<std::unique_ptr<comm::Link>, std::unique_ptr<comm::Link>> links_ =
      comm::memory_link_pair();
  Inbox inbox_{links_.second.get(), 10};
};

TEST_F(InboxTest, GivesFramesInTheirOrder) {
  send("a");
  send("b");
  EXPECT_EQ(inbox_.next(in(0)), "a");
  inbox_.drain();
  send("c");
  EXPECT_EQ(inbox_.next(in(0)), "b") << "what was drained is first";
  EXPECT_EQ(inbox_.next(in(1000)), "c");
  EXPECT_EQ(inbox_.next(in(5)), std::nullopt);
  EXPECT_FALSE(inbox_.ended());
}

TEST_F(InboxTest, DrainsNoMoreThanItsBound) {
  for (int i = 0; i < 4; ++i) send("12345678");
  inbox_.drain();
  EXPECT_TRUE(links_.second->readable()) << "two are kept, two are left to the link";
  for (int i = 0; i < 4; ++i) EXPECT_EQ(inbox_.next(in(100)), "12345678");
}

TEST_F(InboxTest, TakesOneFrameOfAnySize) {
  send(std::string(1000, 'x'));
  send("a");
  inbox_.drain();
  EXPECT_TRUE(links_.second->readable());
  EXPECT_EQ(inbox_.next(in(100))->size(), 1000u);
  EXPECT_EQ(inbox_.next(in(100)), "a");
}

TEST_F(InboxTest, SleepsUntilAFrameComes) {
  std::thread sender([&] {
    std::this_thread::sleep_for(milliseconds(20));
    send("late");
  });
  EXPECT_EQ(inbox_.next(in(5000)), "late");
  sender.join();
}

TEST_F(InboxTest, EndsWhenTheFrontIsGone) {
  send("last words");
  links_.first.reset();
  EXPECT_EQ(inbox_.next(in(1000)), "last words");
  EXPECT_FALSE(inbox_.ended());
  EXPECT_EQ(inbox_.next(in(1000)), std::nullopt);
  EXPECT_TRUE(inbox_.ended());
}

TEST_F(InboxTest, DrainingSeesTheEndToo) {
  links_.first.reset();
  inbox_.drain();
  EXPECT_TRUE(inbox_.ended());
}

TEST_F(InboxTest, ClosingTheLinkWakesTheReceiver) {
  std::thread closer([&] {
    std::this_thread::sleep_for(milliseconds(20));
    links_.second->close();
  });
  EXPECT_EQ(inbox_.next(in(10'000)), std::nullopt);
  EXPECT_TRUE(inbox_.ended());
  closer.join();
}

TEST_F(InboxTest, DrainDoesNotWaitForAReceiver) {
  std::thread receiver([&] { EXPECT_EQ(inbox_.next(in(10'000)), "x"); });
  std::this_thread::sleep_for(milliseconds(20));
  inbox_.drain();
  send("x");
  receiver.join();
}

TEST_F(InboxTest, LosesNothingBetweenTwoThreads) {
  std::atomic<bool> done{false};
  std::thread sender([&] {
    for (int i = 0; i < 5000; ++i) send(std::to_string(i));
  });
  std::thread drainer([&] {
    while (!done) inbox_.drain();
  });
  for (int i = 0; i < 5000;) {
    if (const auto frame = inbox_.next(in(10))) {
      ASSERT_EQ(*frame, std::to_string(i));
      ++i;
    }
  }
  done = true;
  sender.join();
  drainer.join();
}

}  // namespace
}  // namespace moai::worker
