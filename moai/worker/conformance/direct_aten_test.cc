// Exchanges from device to device over libtorch's memory: the CPU's stands in for an accelerator's,
// and a guard of this test for the one that an accelerator's library registers.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "moai/comm/collective/nccl/testing/library.h"
#include "moai/comm/collective/shared_memory.h"
#include "moai/device/aten/accelerator/accelerator_queue.h"
#include "moai/device/aten/accelerator/guard_testing.h"
#include "moai/device/aten/aten_device.h"
#include "moai/ops/call_tensors.h"
#include "moai/worker/collective/collective_device.h"

namespace moai::worker {
namespace {

std::string bytes_of(uint64_t size, int rank) {
  std::string bytes(size, '\0');
  // Finite in every type: small whole numbers of one byte, or of the floats' exponents.
  for (uint64_t i = 0; i < size; ++i) {
    bytes[i] = static_cast<char>((i * 5 + static_cast<uint64_t>(rank) * 3) % 63);
  }
  return bytes;
}

// One rank in a process of its own, through the host or directly.
class Rank {
 public:
  Rank(const std::string& name, int rank, bool direct)
      : rank_(rank),
        device_(*device::make_aten_device({.kind = "cpu", .threads = 1})),
        queue_(device::make_accelerator_queue({.kind = "cuda", .index = rank})),
        groups_(direct ? nccl_setup(queue_.get(), comm::test_nccl_file()) : NcclSetup{}) {
    comm::SharedMemoryOptions options{.name = name, .rank = rank, .size = 2};
    comm::Group& world = groups_.open(*comm::join_shared_memory(options));
    std::vector<std::unique_ptr<comm::Group>> groups;
    groups.push_back(*world.make_subgroup(std::vector<int>{0, 1}));
    const std::string why_not = *groups_.direct().join(&world, groups, options.group);
    EXPECT_EQ(why_not.empty(), direct) << why_not;
    groups_.set(std::move(groups));
  }
  ~Rank() { groups_.clear(); }

  // All that a call makes of operands that hold numbers of this rank.
  std::string run(const std::string& text) {
    const ops::CallSignature s = ops::call_signature_from_string(text).value();
    auto call = met_.prepare(s);
    if (!call.ok()) return call.status().to_string();
    std::vector<device::BufferPtr> owned, fresh(ops::arity(s).fresh);
    std::vector<device::Buffer*> operands;
    for (const ops::Arg* a : ops::tensor_operands(s)) {
      const auto size = static_cast<uint64_t>(tensor::storage_bytes(a->geometry));
      owned.push_back(*device_->allocate(size));
      operands.push_back(owned.back().get());
      EXPECT_EQ(met_.copy_in(operands.back(), 0, bytes_of(size, rank_)), ok_status());
    }
    const Status status = (*call)->run(operands, {}, fresh);
    if (!status.ok()) return status.to_string();
    std::string all;
    for (const auto* made : {&owned, &fresh}) {
      for (const device::BufferPtr& b : *made) {
        if (!b) continue;
        std::string bytes(b->size_bytes(), '\0');
        EXPECT_EQ(met_.copy_out(*b, 0, bytes.size(), bytes.data()), ok_status());
        all += bytes;
      }
    }
    return all;
  }

 private:
  const int rank_;
  std::unique_ptr<device::Device> device_;
  std::unique_ptr<device::DeviceQueue> queue_;
  Groups groups_;
  CollectiveDevice met_{device_.get(), &groups_};
};

// Of each rank: [0, 1] shares of 3 are 2 and 1.
std::vector<std::string> calls_of(int rank) {
  const std::string mine = rank == 0 ? "2" : "1";
  std::vector<std::string> calls = {
      "moai::all_reduce((i32[3]!, i32[2,2]!), \"sum\", 0) -> _",
      "moai::all_reduce((c64[4]!), \"sum\", 0) -> _",
      "moai::all_reduce((i16[4]!), \"sum\", 0) -> _",
      "moai::all_reduce((f32[4]!), \"norm2\", 0) -> _",
      "moai::reduce_scatter(i64[4,3], 1, [2,1], \"sum\", 0) -> i64[4," + mine + "]",
      "moai::reduce_scatter((f32[3,2], f32[2,3]), 0, ([2,1], [1,1]), \"sum\", 0) -> f32[" + mine +
          ",2], f32[1,3]",
      rank == 0 ? "moai::broadcast((bf16[3], bool[5]), 0, 0) -> _"
                : "moai::broadcast(0, 0) -> bf16[3], bool[5]",
      rank == 0 ? "moai::send(f32[3], 1, 0) -> _" : "moai::receive(0, 0) -> f32[3]",
  };
  for (const std::string type : {"bf16", "bool", "c128", "u8"}) {
    calls.push_back("moai::all_gather(" + type + "[2," + mine + ",3], 1, [2,1], 0) -> " + type +
                    "[2,3,3]");
    calls.push_back("moai::all_gather((" + type + "[" + mine + ",2], " + type + "[1,5]), 0, " +
                    "([2,1], [1,1]), 0) -> " + type + "[3,2], " + type + "[2,5]");
    calls.push_back("moai::all_to_all(" + type + "[" + mine + ",4,2], 0, [2,1], 1, [3,1], 0) -> " +
                    type + (rank == 0 ? "[3,3,2]" : "[3,1,2]"));
  }
  return calls;
}

// What this rank makes of all calls; one rank is a child of the other.
std::vector<std::string> made_by(const std::string& name, int rank, bool direct) {
  Rank self(name + (direct ? "-direct" : "-host"), rank, direct);
  std::vector<std::string> made;
  for (const std::string& call : calls_of(rank)) made.push_back(self.run(call));
  return made;
}

// Whether both ways make the same; prints what differs.
bool same_either_way(const std::string& name, int rank) {
  const auto host = made_by(name, rank, false), direct = made_by(name, rank, true);
  const auto calls = calls_of(rank);
  for (size_t i = 0; i < calls.size(); ++i) EXPECT_EQ(host[i], direct[i]) << rank << calls[i];
  return host == direct;
}

TEST(DirectAten, SharesOfTensorsGoFromDeviceToDevice) {
  device::TestingGuard::install();
  const std::string name = "moai-direct-aten-" + std::to_string(::getpid());
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(60);
    ::_exit(same_either_way(name, 1) ? 0 : 1);
  }
  EXPECT_TRUE(same_either_way(name, 0));
  int state = 0;
  ASSERT_EQ(::waitpid(child, &state, 0), child);
  EXPECT_TRUE(WIFEXITED(state) && WEXITSTATUS(state) == 0) << state;
  const auto queue = device::make_accelerator_queue({.kind = "cuda", .index = 1});
  EXPECT_EQ(queue->kind(), "cuda");
  EXPECT_EQ(queue->name(), "cuda:1");
  EXPECT_EQ(queue->bind(), ok_status());
  EXPECT_EQ(device::TestingGuard::current.index(), 1);
  EXPECT_TRUE(queue->stream().ok());
  EXPECT_EQ(device::TestingGuard::streamed.index(), 1);
  EXPECT_EQ(queue->synchronize(), ok_status());
  EXPECT_EQ(device::TestingGuard::synchronized, 1);
  EXPECT_EQ(device::make_accelerator_queue({.kind = "cpu"}), nullptr);
}

}  // namespace
}  // namespace moai::worker
