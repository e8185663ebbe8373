#include "moai/worker/peers/peers.h"

#include <gmock/gmock.h>

#include <thread>

#include "moai/identity/certificate.h"
#include "moai/worker/testing/lease.h"

namespace moai::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::HasSubstr;

constexpr uint64_t kGroup = 9;

comm::Deadline in(milliseconds time) { return steady_clock::now() + time; }

class PeersTest : public testing::Test {
 protected:
  PeersTest() { set_log_level(LogLevel::kOff); }
  ~PeersTest() override { set_log_level(LogLevel::kInfo); }

  Peers& of(uint32_t rank) { return lease_.of(rank); }
  Status link_status(uint32_t from, uint32_t to, milliseconds within = milliseconds(200)) {
    return of(from).link(to, kGroup, in(within), {}).status();
  }

  // Of Workers to come: they listen at "tls:", with a certificate of `issuer` where each trusts
  // `ca`.
  void encrypt(const identity::KeyPair& issuer, const std::string& ca) {
    auto own = identity::issue(issuer, {"worker", "w", {}, {"127.0.0.1"}});
    ASSERT_TRUE(own.ok()) << own.status().to_string();
    lease_.tls = {.ca = ca, .certificate = own->certificate, .key = own->key, .peer_name = {}};
  }

  Lease lease_;
};

TEST_F(PeersTest, AllAreLinkedWithAll) {
  lease_.make(3);
  lease_.introduce();
  std::vector<std::thread> threads;
  for (uint32_t rank = 0; rank < 3; ++rank) {
    threads.emplace_back([this, rank] {
      auto links = of(rank).links(kGroup, in(milliseconds(20'000)), {});
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
  encrypt(*ca, ca->certificate);
  lease_.add(0, 3);
  lease_.add(1, 3);
  encrypt(*ca, other->certificate);
  lease_.add(2, 3);
  lease_.introduce();
  EXPECT_EQ(link_status(1, 0, milliseconds(20'000)), ok_status());
  EXPECT_EQ(link_status(0, 1, milliseconds(20'000)), ok_status());
  EXPECT_FALSE(link_status(2, 0, milliseconds(20'000)).ok()) << "it trusts another site";
}

TEST_F(PeersTest, EachKnowsItsPlaceAndTheOthers) {
  lease_.make(2);
  EXPECT_EQ(of(1).rank(), 1u);
  EXPECT_EQ(of(1).ranks(), 2u);
  std::thread later([this] {
    std::this_thread::sleep_for(milliseconds(20));
    lease_.introduce();
  });
  const auto known = of(1).all(in(milliseconds(20'000)), {});
  later.join();
  ASSERT_TRUE(known.ok());
  EXPECT_EQ(*known, lease_.peers());
  EXPECT_TRUE(identity::share_memory(*known));
  EXPECT_EQ(of(0).name(), of(1).name());
  EXPECT_EQ(of(0).name().find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST_F(PeersTest, AListWithoutThisWorkerAtItsPlaceIsRefused) {
  lease_.make(2);
  auto swapped = lease_.peers();
  std::swap(swapped[0], swapped[1]);
  EXPECT_EQ(of(0).introduce(swapped).code(), Code::kInvalidArgument);
  auto longer = lease_.peers();
  longer.push_back({"unix:x", ""});
  EXPECT_EQ(of(0).introduce(longer).code(), Code::kInvalidArgument);
  EXPECT_EQ(of(0).introduce(lease_.peers()), ok_status());
  EXPECT_EQ(of(0).introduce(lease_.peers()).code(), Code::kFailedPrecondition);
}

TEST_F(PeersTest, WaitsNoLongerThanItMay) {
  lease_.make(2);
  EXPECT_EQ(of(0).all(in(milliseconds(20)), {}).status().code(), Code::kDeadlineExceeded);
  lease_.introduce();
  EXPECT_EQ(of(0).links(kGroup, in(milliseconds(20)), {}).status().code(), Code::kDeadlineExceeded);
  const Status nobody = link_status(0, 1, milliseconds(20));
  EXPECT_EQ(nobody.code(), Code::kDeadlineExceeded);
  EXPECT_THAT(nobody.message(), HasSubstr("no link to rank 1 of 2 at unix:"));
  const auto interrupt = [] { return cancelled("enough"); };
  EXPECT_EQ(of(0).link(1, kGroup, in(milliseconds(20'000)), interrupt).status().code(),
            Code::kCancelled);
}

TEST_F(PeersTest, APeerThatIsGoneIsNamed) {
  lease_.make(2);
  lease_.introduce();
  lease_.stop(0, "gone");
  const Status status = link_status(1, 0);
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("no link to rank 0 of 2 at unix:"));
}

TEST_F(PeersTest, AWorkerOfAnotherGroupIsNotTakenForAPeer) {
  lease_.add(0, 2);
  lease_.add(1, 2, 'x');
  lease_.introduce();
  EXPECT_EQ(link_status(1, 0).code(), Code::kUnauthenticated);
  EXPECT_EQ(link_status(0, 1).code(), Code::kDeadlineExceeded);
}

TEST_F(PeersTest, NoLinkLeadsToItselfOrBeyondTheLast) {
  lease_.make(2);
  lease_.introduce();
  EXPECT_EQ(link_status(1, 1).code(), Code::kInvalidArgument);
  EXPECT_EQ(link_status(1, 2).code(), Code::kInvalidArgument);
}

TEST_F(PeersTest, StoppingEndsTheWait) {
  lease_.make(2);
  lease_.introduce();
  std::thread later([this] {
    std::this_thread::sleep_for(milliseconds(20));
    lease_.stop(0, "the lease is over");
  });
  const Status status = link_status(0, 1, milliseconds(20'000));
  later.join();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("the lease is over"));
}

TEST_F(PeersTest, APeerThatComesAgainTakesItsOwnPlace) {
  lease_.make(2);
  lease_.introduce();
  ASSERT_TRUE(of(1).link(0, kGroup, in(milliseconds(20'000)), {}).ok()) << "and is dropped";
  auto second = of(1).link(0, kGroup, in(milliseconds(20'000)), {});
  ASSERT_TRUE(second.ok());
  const std::string_view part = "again";
  ASSERT_EQ((*second)->send({&part, 1}, milliseconds(20'000)), ok_status());
  std::string heard;
  for (int i = 0; i < 200 && heard.empty(); ++i) {
    auto link = of(0).link(1, kGroup, in(milliseconds(20'000)), {});
    ASSERT_TRUE(link.ok());
    auto frame = (*link)->receive(in(milliseconds(20'000)), {});
    if (frame.ok()) heard = *frame;
  }
  EXPECT_EQ(heard, "again");
}

TEST_F(PeersTest, LinksOfAnotherGroupAreOtherLinks) {
  lease_.make(2);
  lease_.introduce();
  const auto hears = [&](uint64_t group) {
    auto link = of(0).link(1, group, in(milliseconds(20'000)), {});
    if (!link.ok()) return link.status().to_string();
    return (*link)->receive(in(milliseconds(20'000)), {}).value();
  };
  std::vector<std::unique_ptr<comm::Link>> links;
  for (uint64_t group = 1; group <= 3; ++group) {
    links.push_back(of(1).link(0, group, in(milliseconds(20'000)), {}).value());
    const std::string said = "group " + std::to_string(group);
    const std::string_view part = said;
    ASSERT_EQ(links.back()->send({&part, 1}, milliseconds(20'000)), ok_status());
  }
  EXPECT_EQ(hears(2), "group 2") << "though the third is there already";
  EXPECT_EQ(hears(3), "group 3");
  EXPECT_EQ(of(0).link(1, 1, in(milliseconds(20)), {}).status().code(), Code::kDeadlineExceeded)
      << "the first was dropped";
}

}  // namespace
}  // namespace moai::worker
