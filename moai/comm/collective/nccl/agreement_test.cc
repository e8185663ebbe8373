#include "moai/comm/collective/nccl/agreement.h"

#include <gmock/gmock.h>

#include "moai/comm/collective/nccl/testing/library.h"
#include "moai/comm/conformance/collective_groups.h"

namespace moai::comm {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;

NcclOffer offer(const Group& group) {
  return {.kind = "cuda",
          .device = "cuda:" + std::to_string(group.rank()) + " of this host",
          .version = 22809};
}

// What each of three ranks is told.
std::vector<std::string> told(const std::function<void(Group&, NcclOffer*)>& change) {
  const Groups groups = make_groups("shared_memory", 3);
  std::vector<std::string> all(groups.size());
  on_all_ranks(groups, [&](Group& group) {
    NcclOffer mine = offer(group);
    change(group, &mine);
    auto why_not = agree_on_nccl(&group, mine);
    all[static_cast<size_t>(group.rank())] = why_not.ok() ? *why_not : why_not.status().to_string();
  });
  return all;
}

TEST(NcclAgreement, AllUseItWhereAllCan) {
  EXPECT_THAT(told([](Group&, NcclOffer*) {}), Each(""));
}

TEST(NcclAgreement, AllHearTheSameReasonWhyNot) {
  EXPECT_THAT(told([](Group& g, NcclOffer* mine) {
                if (g.rank() != 0) mine->why_not = "no library on " + mine->device;
              }),
              Each("rank 1: no library on cuda:1 of this host"));
  EXPECT_THAT(told([](Group& g, NcclOffer* mine) {
                if (g.rank() == 2) mine->version = 21800;
              }),
              Each("rank 0 has NCCL 2.28.9 of a cuda device, rank 2 NCCL 2.18.0 of a cuda device"));
  EXPECT_THAT(told([](Group& g, NcclOffer* mine) {
                if (g.rank() == 1) mine->kind = "hip";
              }),
              Each(HasSubstr("rank 1 NCCL 2.28.9 of a hip device")));
  EXPECT_THAT(told([](Group& g, NcclOffer* mine) {
                if (g.rank() != 1) mine->device = "cuda:7";
              }),
              Each("rank 0 and rank 2 share the device cuda:7"));
}

TEST(NcclAgreement, OneThatDidNotDoItsPartIsNamed) {
  const Groups groups = make_groups("unix", 2);
  on_all_ranks(groups, [&](Group& group) {
    EXPECT_EQ(*agree(&group, group.rank() == 1 ? "it was told not to" : ""),
              "rank 1: it was told not to");
    EXPECT_EQ(*agree(&group, ""), "");
  });
}

TEST(NcclAgreement, AGroupMakesItsCommunicator) {
  const NcclLibrary library = *load_nccl(test_nccl_file());
  const Groups groups = make_groups("shared_memory", 3);
  on_all_ranks(groups, [&](Group& group) {
    const auto deadline = steady_clock::now() + seconds(20);
    auto made = join_nccl(&group, library, seconds(20), deadline, {});
    ASSERT_TRUE(made.ok()) << made.status().to_string();
    EXPECT_EQ((*made)->rank(), group.rank());
    EXPECT_EQ((*made)->size(), 3);
    (*made)->close(deadline);
  });
}

TEST(NcclAgreement, ARankThatCannotInitSaysWhyAndTheOthersGiveUp) {
  const NcclLibrary library = *load_nccl(test_nccl_file());
  set_test_nccl("moai_test_nccl_fail_init", 1);
  const Groups groups = make_groups("shared_memory", 2);
  on_all_ranks(groups, [&](Group& group) {
    const auto deadline = steady_clock::now() + std::chrono::milliseconds(50);
    const auto made = join_nccl(&group, library, seconds(20), deadline, {});
    EXPECT_THAT(made.status().message(), group.rank() == 1
                                             ? HasSubstr("on rank 1 of 2: system error")
                                             : HasSubstr("did not end in time"));
  });
  set_test_nccl("moai_test_nccl_fail_init", -1);
}

}  // namespace
}  // namespace moai::comm
