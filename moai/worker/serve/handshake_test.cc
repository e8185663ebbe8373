#include "moai/worker/serve/handshake.h"

#include <gmock/gmock.h>

namespace moai::worker {
namespace {

using testing::HasSubstr;

const std::string kSecret(dispatch::kSecretBytes, 's');

Identity identity() {
  return {.epoch = 7, .secret = kSecret, .name = "worker 0 on here", .torch_version = "2.13.0"};
}
dispatch::Hello hello() {
  return {.secret = kSecret, .epoch = 7, .client = "pid 1", .torch_version = "2.13.1+cpu"};
}

TEST(Handshake, AdmitsTheFrontOfTheLease) { EXPECT_EQ(admit(hello(), identity()), ok_status()); }

TEST(Handshake, RefusesAnotherProtocol) {
  auto h = hello();
  h.protocol = 99;
  EXPECT_EQ(admit(h, identity()).code(), Code::kFailedPrecondition);
  EXPECT_THAT(admit(h, identity()).message(), HasSubstr("protocol 99"));
}

TEST(Handshake, RefusesAWrongSecretBeforeAnythingElseIsTold) {
  auto h = hello();
  h.secret[31] = 'x';
  h.epoch = 6;
  h.torch_version = "1.0";
  EXPECT_EQ(admit(h, identity()).code(), Code::kUnauthenticated);
  h.secret.clear();
  EXPECT_EQ(admit(h, identity()).code(), Code::kUnauthenticated);
}

TEST(Handshake, RefusesOlderAndLaterEpochs) {
  for (uint64_t epoch : {6, 8}) {
    auto h = hello();
    h.epoch = epoch;
    EXPECT_EQ(admit(h, identity()).code(), Code::kPermissionDenied);
  }
}

TEST(Handshake, RefusesAnotherMinorVersionOfTorchNamingBoth) {
  auto h = hello();
  h.torch_version = "2.12.0";
  EXPECT_EQ(admit(h, identity()).code(), Code::kFailedPrecondition);
  EXPECT_THAT(admit(h, identity()).message(), HasSubstr("2.12.0"));
  EXPECT_THAT(admit(h, identity()).message(), HasSubstr("2.13.0"));
}

TEST(Handshake, ComparesMinorVersions) {
  EXPECT_TRUE(same_minor_version("2.13.0", "2.13.9+cu128"));
  EXPECT_TRUE(same_minor_version("2.13", "2.13.0"));
  EXPECT_TRUE(same_minor_version("2.13a0+git", "2.13.0"));
  EXPECT_FALSE(same_minor_version("2.1", "2.13"));
  EXPECT_FALSE(same_minor_version("2.13", "3.13"));
  EXPECT_FALSE(same_minor_version("", "2.13"));
}

Identity one_of_four() {
  Identity i = identity();
  i.rank = 1;
  i.ranks = 4;
  i.group_secret = std::string(dispatch::kSecretBytes, 'g');
  return i;
}
dispatch::Join join(uint32_t rank) {
  return {.secret = std::string(dispatch::kSecretBytes, 'g'), .epoch = 7, .rank = rank};
}

TEST(Handshake, AdmitsTheWorkersOfHigherRank) {
  EXPECT_EQ(admit(join(2), one_of_four()), ok_status());
  EXPECT_EQ(admit(join(3), one_of_four()), ok_status());
  for (uint32_t rank : {0, 1, 4}) {
    EXPECT_EQ(admit(join(rank), one_of_four()).code(), Code::kInvalidArgument) << rank;
  }
}

TEST(Handshake, RefusesAWorkerOfAnotherGroup) {
  auto j = join(2);
  j.protocol = 99;
  EXPECT_THAT(admit(j, one_of_four()).message(), HasSubstr("the other Worker speaks protocol 99"));
  j = join(2);
  j.secret[31] = 'x';
  j.epoch = 6;
  EXPECT_EQ(admit(j, one_of_four()).code(), Code::kUnauthenticated) << "before the rest is told";
  j.secret = kSecret;
  EXPECT_EQ(admit(j, one_of_four()).code(), Code::kUnauthenticated) << "a front's is another";
  for (uint64_t epoch : {6, 8}) {
    j = join(2);
    j.epoch = epoch;
    EXPECT_EQ(admit(j, one_of_four()).code(), Code::kPermissionDenied);
  }
}

TEST(Handshake, AWorkerOfItsOwnIsJoinedByNobody) {
  auto j = join(1);
  j.secret.clear();
  EXPECT_EQ(admit(j, identity()).code(), Code::kFailedPrecondition);
}

TEST(Handshake, TheWelcomeSaysWhatTheWorkerIs) {
  Identity i = identity();
  i.memory_bytes = 5;
  i.credit_bytes = 6;
  i.device_kind = "cpu";
  const auto w = welcome(i);
  EXPECT_EQ(w.worker, "worker 0 on here");
  EXPECT_EQ(w.device_kind, "cpu");
  EXPECT_EQ(w.memory_bytes, 5u);
  EXPECT_EQ(w.credit_bytes, 6u);
  EXPECT_EQ(w.rank, 0u);
  EXPECT_EQ(w.ranks, 1u);
}

}  // namespace
}  // namespace moai::worker
