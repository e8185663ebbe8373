#include "moai/worker/serve/frame_queue.h"

#include <gtest/gtest.h>

#include <thread>

namespace moai::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

FrameQueue::Deadline in(int ms) { return steady_clock::now() + milliseconds(ms); }

bool push(FrameQueue& queue, std::string frame, int ms = 1000) { return queue.push(frame, in(ms)); }

TEST(FrameQueue, KeepsTheOrder) {
  FrameQueue queue(100);
  EXPECT_TRUE(push(queue, "a"));
  EXPECT_TRUE(push(queue, "b"));
  EXPECT_EQ(queue.pop(in(0)), "a");
  EXPECT_EQ(queue.try_pop(), "b");
  EXPECT_EQ(queue.try_pop(), std::nullopt);
  EXPECT_TRUE(queue.empty());
}

TEST(FrameQueue, WaitsForRoomAndKeepsTheFrameAtTheDeadline) {
  FrameQueue queue(10);
  EXPECT_TRUE(push(queue, "12345678"));
  std::string frame = "abcd";
  EXPECT_FALSE(queue.push(frame, in(20)));
  EXPECT_EQ(frame, "abcd");
  std::thread popper([&] {
    std::this_thread::sleep_for(milliseconds(20));
    EXPECT_EQ(queue.try_pop(), "12345678");
  });
  EXPECT_TRUE(queue.push(frame, in(5000)));
  popper.join();
}

TEST(FrameQueue, TakesOneFrameOfAnySize) {
  FrameQueue queue(10);
  EXPECT_TRUE(push(queue, std::string(1000, 'x')));
  EXPECT_FALSE(push(queue, "a", 10));
  EXPECT_EQ(queue.try_pop()->size(), 1000u);
  EXPECT_TRUE(push(queue, "a"));
}

TEST(FrameQueue, APopSleepsUntilSomethingComes) {
  FrameQueue queue(10);
  std::thread pusher([&] {
    std::this_thread::sleep_for(milliseconds(20));
    EXPECT_TRUE(push(queue, "late"));
  });
  EXPECT_EQ(queue.pop(in(5000)), "late");
  pusher.join();
  EXPECT_EQ(queue.pop(in(10)), std::nullopt);
}

TEST(FrameQueue, CloseWakesBothAndDropsWhatWaits) {
  FrameQueue full(1), empty(1);
  EXPECT_TRUE(push(full, "a"));
  std::thread closer([&] {
    std::this_thread::sleep_for(milliseconds(20));
    full.close();
    empty.close();
  });
  EXPECT_FALSE(push(full, "b", 10'000));
  EXPECT_EQ(empty.pop(in(10'000)), std::nullopt);
  closer.join();
  EXPECT_TRUE(full.closed());
  EXPECT_EQ(full.try_pop(), std::nullopt);
  EXPECT_FALSE(push(full, "c"));
}

TEST(FrameQueue, PassesManyFramesBetweenTwoThreads) {
  FrameQueue queue(64);
  std::thread pusher([&] {
    for (int i = 0; i < 20'000; ++i) ASSERT_TRUE(push(queue, std::to_string(i), 10'000));
  });
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(queue.pop(in(10'000)), std::to_string(i));
  pusher.join();
}

}  // namespace
}  // namespace moai::worker
