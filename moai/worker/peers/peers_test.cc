#include "moai/worker/peers/peers.h"

#include <gmock/gmock.h>

#include <thread>

#include "moai/base/log.h"
#include "moai/base/testing/temporary_directory.h"
#include "moai/device/fake/fake_device.h"
#include "moai/identity/certificate.h"
#include "moai/worker/serve/worker.h"

namespace moai::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

comm::Deadline in(milliseconds time) { return steady_clock::now() + time; }

// Workers of one lease within this process, on sockets of their own.
class PeersTest : public testing::Test {
 protected:
  struct Member {
    std::unique_ptr<device::FakeDevice> device = device::make_fake_device({});
    std::unique_ptr<Worker> worker;
    std::thread thread;
  };

  PeersTest() { set_log_level(LogLevel::kOff); }
  ~PeersTest() override {
    for (Member& member : members_) {
      member.worker->stop("the test is over");
      member.thread.join();
    }
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
    options.ca = tls_.ca;
    const bool encrypted = !tls_.certificate.empty();
    auto listener = comm::listen(
        encrypted ? "tls:127.0.0.1:0" : "unix:" + folder_.path() + "/w" + std::to_string(rank),
        {.ca = {}, .certificate = tls_.certificate, .key = tls_.key, .peer_name = {}});
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
      ASSERT_EQ(member.worker->peers().introduce(peers()), ok_status());
    }
  }
  Peers& of(uint32_t rank) { return members_[rank].worker->peers(); }
  Status link_status(uint32_t from, uint32_t to, milliseconds within = milliseconds(200)) {
    return of(from).link(to, in(within), {}).status();
  }

  // Of Workers to come: they listen at "tls:", with a certificate of `issuer` where each trusts
  // `ca`.
  void encrypt(const identity::KeyPair& issuer, const std::string& ca) {
    auto own = identity::issue(issuer, {"worker", "w", {}, {"127.0.0.1"}});
    ASSERT_TRUE(own.ok()) << own.status().to_string();
    tls_ = {.ca = ca, .certificate = own->certificate, .key = own->key, .peer_name = {}};
  }

  TemporaryDirectory folder_;
  comm::TlsOptions tls_;
  std::vector<Member> members_;
};

TEST_F(PeersTest, AllAreLinkedWithAll) {
  make(3);
  introduce();
  std::vector<std::thread> threads;
  for (uint32_t rank = 0; rank < 3; ++rank) {
    threads.emplace_back([this, rank] {
      auto links = of(rank).links(in(milliseconds(20'000)), {});
      ASSERT_TRUE(links.ok()) << links.status().to_string();
      ASSERT_EQ(links->size(), 3u);
      for (uint32_t other = 0; other < 3; ++other) {
        const auto& link = (*links)[other];
        ASSERT_EQ(link == nullptr, other == rank);
        if (!link) continue;
        const std::string said = std::to_string(rank) + " to " + std::to_string(other);
        const std::string_view part = said;
        ASSERT_EQ(link->send({&part, 1}, milliseconds(20'000)), ok_status());
        const auto heard = link->receive(in(milliseconds(20'000)), {});
        ASSERT_TRUE(heard.ok()) << heard.status().to_string();
        EXPECT_EQ(*heard, std::to_string(other) + " to " + std::to_string(rank));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(PeersTest, OverTlsTheyCheckEachOthersCertificate) {
  const auto ca = identity::make_ca("site"), other = identity::make_ca("another site");
  ASSERT_TRUE(ca.ok() && other.ok());
  members_.resize(3);
  encrypt(*ca, ca->certificate);
  add(0, 3);
  add(1, 3);
  encrypt(*ca, other->certificate);
  add(2, 3);
  introduce();
  EXPECT_EQ(link_status(1, 0, milliseconds(20'000)), ok_status());
  EXPECT_EQ(link_status(0, 1, milliseconds(20'000)), ok_status());
  EXPECT_FALSE(link_status(2, 0, milliseconds(20'000)).ok()) << "it trusts another site";
}

TEST_F(PeersTest, EachKnowsItsPlaceAndTheOthers) {
  make(2);
  EXPECT_EQ(of(1).rank(), 1u);
  EXPECT_EQ(of(1).ranks(), 2u);
  std::thread later([this] {
    std::this_thread::sleep_for(milliseconds(20));
    introduce();
  });
  const auto known = of(1).all(in(milliseconds(20'000)), {});
  later.join();
  ASSERT_TRUE(known.ok());
  EXPECT_EQ(*known, peers());
  EXPECT_TRUE(identity::share_memory(*known));
  EXPECT_EQ(of(0).name(), of(1).name());
  EXPECT_EQ(of(0).name().find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST_F(PeersTest, AListWithoutThisWorkerAtItsPlaceIsRefused) {
  make(2);
  auto swapped = peers();
  std::swap(swapped[0], swapped[1]);
  EXPECT_EQ(of(0).introduce(swapped).code(), Code::kInvalidArgument);
  auto longer = peers();
  longer.push_back({"unix:x", ""});
  EXPECT_EQ(of(0).introduce(longer).code(), Code::kInvalidArgument);
  EXPECT_EQ(of(0).introduce(peers()), ok_status());
  EXPECT_EQ(of(0).introduce(peers()).code(), Code::kFailedPrecondition);
}

TEST_F(PeersTest, WaitsNoLongerThanItMay) {
  make(2);
  EXPECT_EQ(of(0).all(in(milliseconds(20)), {}).status().code(), Code::kDeadlineExceeded);
  introduce();
  EXPECT_EQ(of(0).links(in(milliseconds(20)), {}).status().code(), Code::kDeadlineExceeded);
  const Status nobody = link_status(0, 1, milliseconds(20));
  EXPECT_EQ(nobody.code(), Code::kDeadlineExceeded);
  EXPECT_THAT(nobody.message(), HasSubstr("no link to rank 1 of 2 at unix:"));
  const auto interrupt = [] { return cancelled("enough"); };
  EXPECT_EQ(of(0).link(1, in(milliseconds(20'000)), interrupt).status().code(), Code::kCancelled);
}

TEST_F(PeersTest, APeerThatIsGoneIsNamed) {
  make(2);
  introduce();
  members_[0].worker->stop("gone");
  members_[0].thread.join();
  members_[0].thread = std::thread([] {});
  const Status status = link_status(1, 0);
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("no link to rank 0 of 2 at unix:"));
}

TEST_F(PeersTest, AWorkerOfAnotherGroupIsNotTakenForAPeer) {
  members_.resize(2);
  add(0, 2);
  add(1, 2, 'x');
  introduce();
  EXPECT_EQ(link_status(1, 0).code(), Code::kUnauthenticated);
  EXPECT_EQ(link_status(0, 1).code(), Code::kDeadlineExceeded);
}

TEST_F(PeersTest, NoLinkLeadsToItselfOrBeyondTheLast) {
  make(2);
  introduce();
  EXPECT_EQ(link_status(1, 1).code(), Code::kInvalidArgument);
  EXPECT_EQ(link_status(1, 2).code(), Code::kInvalidArgument);
}

TEST_F(PeersTest, StoppingEndsTheWait) {
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

TEST_F(PeersTest, APeerThatComesAgainTakesItsOwnPlace) {
  make(2);
  introduce();
  ASSERT_TRUE(of(1).link(0, in(milliseconds(20'000)), {}).ok()) << "and is dropped";
  auto second = of(1).link(0, in(milliseconds(20'000)), {});
  ASSERT_TRUE(second.ok());
  const std::string_view part = "again";
  ASSERT_EQ((*second)->send({&part, 1}, milliseconds(20'000)), ok_status());
  std::string heard;
  for (int i = 0; i < 200 && heard.empty(); ++i) {
    auto link = of(0).link(1, in(milliseconds(20'000)), {});
    ASSERT_TRUE(link.ok());
    auto frame = (*link)->receive(in(milliseconds(20'000)), {});
    if (frame.ok()) heard = *frame;
  }
  EXPECT_EQ(heard, "again");
}

}  // namespace
}  // namespace moai::worker
