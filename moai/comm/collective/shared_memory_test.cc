#include "moai/comm/collective/shared_memory.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <utility>

#include "moai/comm/conformance/collective_groups.h"

namespace moai::comm {
namespace {

SharedMemoryOptions named(const std::string& name, int rank, int size) {
  SharedMemoryOptions options = shared_options(rank, size);
  options.name = name;
  return options;
}

TEST(SharedMemory, TheNameGoesWhenTheLastRankHasJoined) {
  const std::string name = unique_name();
  auto first = join_shared_memory(named(name, 0, 2));
  ASSERT_TRUE(first.ok()) << first.status().to_string();
  EXPECT_EQ(segment_files(name).size(), 1u);
  auto second = join_shared_memory(named(name, 1, 2));
  ASSERT_TRUE(second.ok()) << second.status().to_string();
  EXPECT_TRUE(segment_files(name).empty());
}

TEST(SharedMemory, TheNameGoesWhenAllWhoJoinedHaveLeft) {
  const std::string name = unique_name();
  {
    auto first = join_shared_memory(named(name, 0, 3));
    auto second = join_shared_memory(named(name, 2, 3));
    ASSERT_TRUE(first.ok() && second.ok());
  }
  EXPECT_TRUE(segment_files(name).empty());
}

TEST(SharedMemory, ARankThatNeverJoinsEndsTheCallAfterItsTimeToArrive) {
  SharedMemoryOptions options = named(unique_name(), 0, 2);
  options.members = {4, 6};
  options.group = {.patience = std::chrono::seconds(20),
                   .arrival = std::chrono::milliseconds(100),
                   .linger = std::chrono::milliseconds(10)};
  auto first = join_shared_memory(options);
  ASSERT_TRUE(first.ok()) << first.status().to_string();
  const Status status = (*first)->barrier();
  EXPECT_EQ(status.code(), Code::kDeadlineExceeded);
  EXPECT_NE(status.message().find("rank 6 has not joined for 100 ms"), std::string::npos)
      << status.message();
}

TEST(SharedMemory, ARankIsTakenOnce) {
  const std::string name = unique_name();
  auto first = join_shared_memory(named(name, 0, 2));
  ASSERT_TRUE(first.ok()) << first.status().to_string();
  const Status status = join_shared_memory(named(name, 0, 2)).status();
  EXPECT_EQ(status.code(), Code::kAlreadyExists) << status.to_string();
  EXPECT_NE(status.message().find("rank 0"), std::string::npos);
}

TEST(SharedMemory, RanksWithOtherOptionsAreRefused) {
  const std::string name = unique_name();
  auto first = join_shared_memory(named(name, 0, 2));
  ASSERT_TRUE(first.ok()) << first.status().to_string();
  EXPECT_EQ(join_shared_memory(named(name, 1, 3)).status().code(), Code::kFailedPrecondition);
  SharedMemoryOptions other = named(name, 1, 2);
  other.slot_bytes *= 2;
  EXPECT_EQ(join_shared_memory(other).status().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(join_shared_memory(named(name, 1, 2)).ok());
}

TEST(SharedMemory, OptionsThatMakeNoSenseAreRefused) {
  for (const auto& [rank, size] : {std::pair{2, 2}, {-1, 2}, {0, 0}, {0, 257}}) {
    EXPECT_EQ(join_shared_memory(named("x", rank, size)).status().code(), Code::kInvalidArgument);
  }
  SharedMemoryOptions nameless = named("x", 0, 2);
  nameless.members = {1};
  EXPECT_EQ(join_shared_memory(nameless).status().code(), Code::kInvalidArgument);
  SharedMemoryOptions tiny = named("x", 0, 1);
  tiny.slot_bytes = 100;
  EXPECT_EQ(join_shared_memory(tiny).status().code(), Code::kInvalidArgument);
}

TEST(SharedMemory, ALargeGroupFitsIntoASmallFolder) {
  SharedMemoryOptions options = named(unique_name(), 0, 8);
  options.slot_bytes = SharedMemoryOptions().slot_bytes;
  options.mail_bytes = SharedMemoryOptions().mail_bytes;
  auto group = join_shared_memory(options);
  ASSERT_TRUE(group.ok()) << group.status().to_string();
  const auto files = segment_files(options.name);
  ASSERT_EQ(files.size(), 1u);
  // A container has 64 MiB unless told otherwise.
  EXPECT_LT(std::filesystem::file_size("/dev/shm/" + files[0]), 16u << 20);
}

}  // namespace
}  // namespace moai::comm
