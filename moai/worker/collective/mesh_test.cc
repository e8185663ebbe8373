#include "moai/worker/collective/mesh.h"

#include <gmock/gmock.h>

#include "moai/worker/testing/lease.h"

namespace moai::worker {
namespace {

using std::chrono::milliseconds;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

// Signatures that every front defines.
constexpr graph::SignatureId kSum0 = 0, kSum1 = 1, kGather = 2, kFail = 3;
constexpr StorageId kValue = 1;

// The parameter is what all Workers say of their host: they share memory where they say something,
// and their devices reach each other where it is "direct".
class MeshTest : public testing::TestWithParam<std::string> {
 protected:
  MeshTest() { set_log_level(LogLevel::kOff); }
  ~MeshTest() override { set_log_level(LogLevel::kInfo); }

  void make(uint32_t ranks) {
    lease_.direct = GetParam() == "direct";
    lease_.make(ranks);
    if (ranks > 1) lease_.introduce(GetParam());
    fronts_ = lease_.fronts();
    const std::string gather = "moai::all_gather(f64[2], 0, [2,2,2,2], 0) -> f64[8]";
    for (uint32_t rank = 0; rank < ranks; ++rank) {
      send(rank, dispatch::DefineSignatures{
                     .signatures = {signature_of("moai::all_reduce((f64[2]!), \"sum\", 0) -> _"),
                                    signature_of("moai::all_reduce((f64[2]!), \"sum\", 1) -> _"),
                                    signature_of(gather),
                                    signature_of("fake::fail(f64[2]!, intword) -> _")}});
      upload(rank);
    }
  }
  void send(uint32_t rank, const dispatch::Message& message) {
    ASSERT_EQ(fronts_[rank]->send(message), ok_status());
  }
  void send_all(const dispatch::Message& message) {
    for (uint32_t rank = 0; rank < fronts_.size(); ++rank) send(rank, message);
  }
  // What each rank begins with: its number, and 1.
  void upload(uint32_t rank) {
    send(rank, dispatch::Upload{.storage = kValue,
                                .storage_bytes = 16,
                                .bytes = bytes_of({static_cast<double>(rank), 1})});
  }
  std::vector<double> read(uint32_t rank, StorageId id = kValue, uint64_t bytes = 16) {
    send(rank, dispatch::Read{.request = 1, .ranges = {{id, 0, bytes}}});
    return doubles_of(fronts_[rank]->await<dispatch::Data>().bytes);
  }
  static dispatch::Run run(const ProgramBuilder& program) {
    return {.first_sequence = 1, .program = program.get()};
  }
  dispatch::Fault fault(uint32_t rank) { return fronts_[rank]->await<dispatch::Fault>(); }

  Lease lease_;
  std::vector<std::unique_ptr<Front>> fronts_;  // by rank
};

TEST_P(MeshTest, EachAxisHasItsGroups) {
  make(4);
  send_all(dispatch::JoinMesh{.id = 1, .axes = {2, 2}});
  send_all(run(ProgramBuilder().call(kSum0, {kValue})));
  EXPECT_THAT(read(1), ElementsAre(1 + 3, 2));
  EXPECT_THAT(read(2), ElementsAre(0 + 2, 2));
  send_all(run(ProgramBuilder().call(kSum1, {kValue})));
  for (uint32_t rank = 0; rank < 4; ++rank) EXPECT_THAT(read(rank), ElementsAre(6, 4)) << rank;
}

TEST_P(MeshTest, AMeshIsChangedBetweenTwoRunsOfATemplate) {
  make(4);
  send_all(
      dispatch::DefineTemplate{.id = 7, .program = ProgramBuilder(true).call(kSum0, {0}).get()});
  const dispatch::RunTemplate once{.id = 7, .first_sequence = 1, .end = 1, .bindings = {kValue}};
  send_all(dispatch::JoinMesh{.id = 1, .axes = {2, 2}});
  send_all(once);
  send_all(once);
  for (uint32_t rank = 0; rank < 4; ++rank) {
    EXPECT_THAT(read(rank), ElementsAre(rank % 2 ? 8 : 4, 4));
  }
  send_all(dispatch::JoinMesh{.id = 2, .axes = {4}});
  send_all(once);
  for (uint32_t rank = 0; rank < 4; ++rank) EXPECT_THAT(read(rank), ElementsAre(24, 16));
  send_all(run(ProgramBuilder().call(kGather, {kValue, 2})));
  EXPECT_THAT(read(3, 2, 64), ElementsAre(24, 16, 24, 16, 24, 16, 24, 16));
}

TEST_P(MeshTest, OnlyAMeshOfAllRanksIsJoined) {
  make(2);
  for (const std::vector<uint32_t>& axes : {std::vector<uint32_t>{3}, {2, 2}, {1}, {}}) {
    send(0, dispatch::JoinMesh{.id = 1, .axes = axes});
    const dispatch::Fault why = fault(0);
    EXPECT_EQ(why.code, Code::kInvalidArgument);
    EXPECT_EQ(why.sequence, 0u);
    EXPECT_THAT(why.text, HasSubstr("the axes must have 2 ranks"));
  }
  send(0, run(ProgramBuilder().call(kSum0, {kValue})));
  const dispatch::Fault why = fault(0);
  EXPECT_EQ(why.code, Code::kFailedPrecondition);
  EXPECT_THAT(why.text, AllOf(HasSubstr("no group 0"), HasSubstr("the axes must have 2 ranks")));
}

TEST_P(MeshTest, WithoutAMeshThereIsNoGroup) {
  make(2);
  send(0, run(ProgramBuilder().call(kSum0, {kValue})));
  EXPECT_THAT(fault(0).text, HasSubstr("no group 0: no mesh was joined"));
}

TEST_P(MeshTest, APeerThatNeverComesIsNamed) {
  lease_.groups = {
      .patience = milliseconds(20'000), .arrival = milliseconds(200), .linger = milliseconds(10)};
  make(3);
  send(0, dispatch::JoinMesh{.id = 1, .axes = {3}});
  send(2, dispatch::JoinMesh{.id = 1, .axes = {3}});
  EXPECT_THAT(fault(0).text,
              AllOf(HasSubstr("rank 0 of 3 cannot join mesh 1 of [3]"), HasSubstr("rank 1 ")));
  EXPECT_THAT(fault(2).text, HasSubstr("rank 2 of 3 cannot join mesh 1 of [3]"));
  send_all(dispatch::JoinMesh{.id = 2, .axes = {3}});
  send_all(run(ProgramBuilder().call(kSum0, {kValue})));
  for (uint32_t rank = 0; rank < 3; ++rank) EXPECT_THAT(read(rank), ElementsAre(3, 3));
}

TEST_P(MeshTest, WhatFailsOnOneRankEndsAllGroups) {
  make(4);
  send_all(dispatch::JoinMesh{.id = 1, .axes = {2, 2}});
  send(0, run(ProgramBuilder().call(kFail, {kValue}, {static_cast<uint64_t>(Code::kDataLoss)})));
  send_all(run(ProgramBuilder().call(kSum0, {kValue}).call(kSum1, {kValue})));
  EXPECT_EQ(fault(0).op, "fake::fail");
  // Rank 3 is in no group with rank 0.
  for (const uint32_t rank : {1, 2, 3}) EXPECT_EQ(fault(rank).code, Code::kDataLoss) << rank;
  send_all(dispatch::JoinMesh{.id = 2, .axes = {2, 2}});
  for (uint32_t rank = 0; rank < 4; ++rank) upload(rank);
  send_all(run(ProgramBuilder().call(kSum0, {kValue}).call(kSum1, {kValue})));
  for (uint32_t rank = 0; rank < 4; ++rank) EXPECT_THAT(read(rank), ElementsAre(6, 4)) << rank;
}

TEST_P(MeshTest, WhatExchangesMayHaveDamagedIsLostWhenTheyAreEnded) {
  constexpr StorageId kKept = 5;
  make(2);
  send_all(dispatch::JoinMesh{.id = 1, .axes = {2}});
  send(1, dispatch::Upload{.storage = kKept, .storage_bytes = 16, .bytes = bytes_of({7, 8})});
  send_all(run(ProgramBuilder().call(kSum0, {kValue})));
  send(0, run(ProgramBuilder()
                  .call(kFail, {kValue}, {static_cast<uint64_t>(Code::kDataLoss)})
                  .call(kSum0, {kValue})));
  send(1, run(ProgramBuilder().call(kSum0, {kValue}).call(kSum0, {kValue})));
  EXPECT_EQ(fault(1).code, Code::kDataLoss);
  const bool direct = GetParam() == "direct";
  send(1, dispatch::Marker{.request = 1});
  if (direct) {
    EXPECT_THAT(fault(1).text, HasSubstr("may be damaged"));
  }
  fronts_[1]->await<dispatch::Reached>();
  send_all(dispatch::JoinMesh{.id = 2, .axes = {2}});
  if (!direct) {
    EXPECT_THAT(read(1, kKept), ElementsAre(7, 8));
    return;
  }
  send(1, dispatch::Read{.request = 2, .ranges = {{kKept, 0, 16}}});
  const dispatch::Fault lost = fault(1);
  EXPECT_EQ(lost.request, 2u);
  EXPECT_THAT(lost.text, HasSubstr("may be damaged"));
  send(1, dispatch::Upload{.storage = kKept, .storage_bytes = 16, .bytes = bytes_of({9, 9})});
  EXPECT_THAT(read(1, kKept), ElementsAre(9, 9));
}

TEST_P(MeshTest, AWorkerThatEndsIsNamedByThoseThatWait) {
  make(3);
  send_all(dispatch::JoinMesh{.id = 1, .axes = {3}});
  for (const uint32_t rank : {0, 1}) {
    send(rank, run(ProgramBuilder().call(kSum0, {kValue})));
  }
  std::this_thread::sleep_for(milliseconds(50));
  lease_.stop(2, "it was told to");
  for (const uint32_t rank : {0, 1}) EXPECT_THAT(fault(rank).text, HasSubstr("it was told to"));
}

TEST_P(MeshTest, AFrontThatLeavesEndsTheWaitOfItsWorkers) {
  make(2);
  send_all(dispatch::JoinMesh{.id = 1, .axes = {2}});
  send(0, run(ProgramBuilder().call(kSum0, {kValue})));
  std::this_thread::sleep_for(milliseconds(50));
  fronts_[0] = nullptr;
  fronts_[0] = lease_.front(0);
  send(0, dispatch::Marker{.request = 1});
  fronts_[0]->await<dispatch::Reached>();
  // What the other gave before may still suffice for one.
  send(1, run(ProgramBuilder().call(kSum0, {kValue}).call(kSum0, {kValue})));
  EXPECT_THAT(fault(1).text, HasSubstr("the front has left"));
}

INSTANTIATE_TEST_SUITE_P(Hosts, MeshTest, testing::Values("here", "", "direct"),
                         [](const auto& info) {
                           if (info.param == "direct") return std::string("direct");
                           return info.param.empty() ? std::string("links")
                                                     : std::string("shared_memory");
                         });

TEST(Mesh, AWorkerOfItsOwnHasAxesOfOne) {
  Lease lease;
  lease.make(1);
  const auto front = lease.front(0);
  const dispatch::Message messages[] = {
      dispatch::JoinMesh{.id = 1, .axes = {1, 1}},
      dispatch::DefineSignatures{
          .signatures = {signature_of("moai::all_reduce((f64[2]!), \"sum\", 1) -> _")}},
      dispatch::Upload{.storage = 1, .storage_bytes = 16, .bytes = bytes_of({3, 4})},
      dispatch::Run{.first_sequence = 1, .program = ProgramBuilder().call(0, {1}).get()},
      dispatch::Read{.request = 1, .ranges = {{1, 0, 16}}},
      dispatch::JoinMesh{.id = 2, .axes = {2}}};
  for (const auto& message : messages) EXPECT_EQ(front->send(message), ok_status());
  EXPECT_THAT(doubles_of(front->await<dispatch::Data>().bytes), ElementsAre(3, 4));
  EXPECT_THAT(front->await<dispatch::Fault>().text, HasSubstr("cannot join mesh 2 of [2]"));
}

TEST(Mesh, RanksAreNumberedWithTheLastAxisRunningFastest) {
  EXPECT_THAT(ranks_along({2, 3}, 4, 0), ElementsAre(1, 4));
  EXPECT_THAT(ranks_along({2, 3}, 4, 1), ElementsAre(3, 4, 5));
  EXPECT_THAT(ranks_along({2, 3, 2}, 7, 1), ElementsAre(7, 9, 11));
  EXPECT_THAT(ranks_along({1, 3}, 2, 0), ElementsAre(2));
}

}  // namespace
}  // namespace moai::worker
