#include "moai/worker/group/group.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <thread>

#include "moai/base/log.h"
#include "moai/device/fake/fake_device.h"
#include "moai/worker/serve/worker.h"

namespace moai::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

comm::Deadline in(milliseconds time) { return steady_clock::now() + time; }

// Workers of one lease within this process, on sockets of their own.
class GroupTest : public testing::Test {
 protected:
  struct Member {
    std::unique_ptr<device::FakeDevice> device = device::make_fake_device({});
    std::unique_ptr<Worker> worker;
    std::thread thread;
  };

  GroupTest() {
    set_log_level(LogLevel::kOff);
    folder_ = testing::TempDir() + "moai_group_XXXXXX";
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
  }
  ~GroupTest() override {
    for (Member& member : members_) {
      member.worker->stop("the test is over");
      member.thread.join();
      ::unlink(member.worker->address().substr(5).c_str());
    }
    ::rmdir(folder_.c_str());
    set_log_level(LogLevel::kInfo);
  }

  void make(uint32_t ranks) {
    members_.resize(ranks);
    for (uint32_t rank = 0; rank < ranks; ++rank) add(rank, ranks);
  }
  void add(uint32_t rank, uint32_t ranks, char secret = 'g') {
    WorkerOptions options;
    options.identity = {.epoch = 7,
                        .secret = std::string(dispatch::kSecretBytes, 's'),
                        .name = "worker " + std::to_string(rank),
                        .device_kind = "cpu",
                        .torch_version = "2.13.0",
                        .rank = rank,
                        .ranks = ranks,
                        .group_secret = std::string(dispatch::kSecretBytes, secret)};
    auto listener = comm::listen("unix:" + folder_ + "/w" + std::to_string(rank));
    ASSERT_TRUE(listener.ok()) << listener.status().to_string();
    Member& member = members_[rank];
    member.worker =
        std::make_unique<Worker>(std::move(options), std::move(*listener), member.device.get());
    member.thread = std::thread([worker = member.worker.get()] { worker->run(); });
  }
  std::vector<identity::Peer> peers() const {
    std::vector<identity::Peer> all;
    for (const Member& member : members_) all.push_back({member.worker->address(), "here"});
    return all;
  }
  void introduce() {
    for (Member& member : members_) {
      ASSERT_EQ(member.worker->group().introduce(peers()), ok_status());
    }
  }
  Group& group(uint32_t rank) { return members_[rank].worker->group(); }
  Status link_status(uint32_t from, uint32_t to, milliseconds within = milliseconds(200)) {
    return group(from).link(to, in(within), {}).status();
  }

  std::string folder_;
  std::vector<Member> members_;
};

TEST_F(GroupTest, AllAreLinkedWithAll) {
  make(3);
  introduce();
  std::vector<std::thread> threads;
  for (uint32_t rank = 0; rank < 3; ++rank) {
    threads.emplace_back([this, rank] {
      for (uint32_t other = 0; other < 3; ++other) {
        if (other == rank) continue;
        auto link = group(rank).link(other, in(milliseconds(20'000)), {});
        ASSERT_TRUE(link.ok()) << link.status().to_string();
        const std::string said = std::to_string(rank) + " to " + std::to_string(other);
        const std::string_view part = said;
        ASSERT_EQ((*link)->send({&part, 1}, milliseconds(20'000)), ok_status());
        const auto heard = (*link)->receive(in(milliseconds(20'000)), {});
        ASSERT_TRUE(heard.ok()) << heard.status().to_string();
        EXPECT_EQ(*heard, std::to_string(other) + " to " + std::to_string(rank));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(GroupTest, EachKnowsItsPlaceAndTheOthers) {
  make(2);
  EXPECT_EQ(group(1).rank(), 1u);
  EXPECT_EQ(group(1).ranks(), 2u);
  std::thread later([this] {
    std::this_thread::sleep_for(milliseconds(20));
    introduce();
  });
  const auto known = group(1).peers(in(milliseconds(20'000)), {});
  later.join();
  ASSERT_TRUE(known.ok());
  EXPECT_EQ(*known, peers());
  EXPECT_TRUE(identity::share_memory(*known));
}

TEST_F(GroupTest, AListWithoutThisWorkerAtItsPlaceIsRefused) {
  make(2);
  auto swapped = peers();
  std::swap(swapped[0], swapped[1]);
  EXPECT_EQ(group(0).introduce(swapped).code(), Code::kInvalidArgument);
  auto longer = peers();
  longer.push_back({"unix:x", ""});
  EXPECT_EQ(group(0).introduce(longer).code(), Code::kInvalidArgument);
  EXPECT_EQ(group(0).introduce(peers()), ok_status());
  EXPECT_EQ(group(0).introduce(peers()).code(), Code::kFailedPrecondition);
}

TEST_F(GroupTest, WaitsNoLongerThanItMay) {
  make(2);
  EXPECT_EQ(group(0).peers(in(milliseconds(20)), {}).status().code(), Code::kDeadlineExceeded);
  introduce();
  const Status nobody = link_status(0, 1, milliseconds(20));
  EXPECT_EQ(nobody.code(), Code::kDeadlineExceeded);
  EXPECT_THAT(nobody.message(), HasSubstr("no link to rank 1 of 2 at unix:"));
  const auto interrupt = [] { return cancelled("enough"); };
  EXPECT_EQ(group(0).link(1, in(milliseconds(20'000)), interrupt).status().code(),
            Code::kCancelled);
}

TEST_F(GroupTest, APeerThatIsGoneIsNamed) {
  make(2);
  introduce();
  members_[0].worker->stop("gone");
  members_[0].thread.join();
  members_[0].thread = std::thread([] {});
  const Status status = link_status(1, 0);
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("no link to rank 0 of 2 at unix:"));
}

TEST_F(GroupTest, AWorkerOfAnotherGroupIsNotTakenForAPeer) {
  members_.resize(2);
  add(0, 2);
  add(1, 2, 'x');
  introduce();
  EXPECT_EQ(link_status(1, 0).code(), Code::kUnauthenticated);
  EXPECT_EQ(link_status(0, 1).code(), Code::kDeadlineExceeded);
}

TEST_F(GroupTest, NoLinkLeadsToItselfOrBeyondTheLast) {
  make(2);
  introduce();
  EXPECT_EQ(link_status(1, 1).code(), Code::kInvalidArgument);
  EXPECT_EQ(link_status(1, 2).code(), Code::kInvalidArgument);
}

TEST_F(GroupTest, StoppingEndsTheWait) {
  make(2);
  introduce();
  std::thread later([this] {
    std::this_thread::sleep_for(milliseconds(20));
    members_[0].worker->stop("the lease is over");
  });
  const Status status = link_status(0, 1, milliseconds(20'000));
  later.join();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("the lease is over"));
}

TEST_F(GroupTest, APeerThatComesAgainTakesItsOwnPlace) {
  make(2);
  introduce();
  ASSERT_TRUE(group(1).link(0, in(milliseconds(20'000)), {}).ok()) << "and is dropped";
  auto second = group(1).link(0, in(milliseconds(20'000)), {});
  ASSERT_TRUE(second.ok());
  const std::string_view part = "again";
  ASSERT_EQ((*second)->send({&part, 1}, milliseconds(20'000)), ok_status());
  std::string heard;
  for (int i = 0; i < 200 && heard.empty(); ++i) {
    auto link = group(0).link(1, in(milliseconds(20'000)), {});
    ASSERT_TRUE(link.ok());
    auto frame = (*link)->receive(in(milliseconds(20'000)), {});
    if (frame.ok()) heard = *frame;
  }
  EXPECT_EQ(heard, "again");
}

}  // namespace
}  // namespace moai::worker
