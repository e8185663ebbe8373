#include "moai/identity/certificate.h"

#include <gtest/gtest.h>

namespace moai::identity {
namespace {

KeyPair ca_of(const std::string& name) { return make_ca(name).value(); }

TEST(Certificate, CarriesRoleAndName) {
  const KeyPair ca = ca_of("test");
  const KeyPair agent = issue(ca, {"agent", "back01", {"localhost"}, {"127.0.0.1"}}).value();
  const Identity identity = read_identity(agent.certificate).value();
  EXPECT_EQ(identity.role, "agent");
  EXPECT_EQ(identity.name, "back01");
}

TEST(Certificate, IsVerifiedByItsCaOnly) {
  const KeyPair ca = ca_of("one");
  const KeyPair other = ca_of("one");  // same name, another key
  const KeyPair agent = issue(ca, {"agent", "back01", {}, {}}).value();
  EXPECT_TRUE(verify_issued(agent.certificate, ca.certificate).ok());
  EXPECT_EQ(verify_issued(agent.certificate, other.certificate).code(), Code::kUnauthenticated);
}

TEST(Certificate, ExpiredIsRefused) {
  const KeyPair ca = ca_of("test");
  const KeyPair old = issue(ca, {"agent", "a", {}, {}}, std::chrono::hours(-1)).value();
  EXPECT_EQ(verify_issued(old.certificate, ca.certificate).code(), Code::kUnauthenticated);
}

TEST(Certificate, IssuedOneCannotIssue) {
  const KeyPair ca = ca_of("test");
  const KeyPair agent = issue(ca, {"agent", "a", {}, {}}).value();
  const KeyPair forged = issue(agent, {"admin", "me", {}, {}}).value();
  EXPECT_FALSE(verify_issued(forged.certificate, ca.certificate).ok());
  EXPECT_FALSE(verify_issued(forged.certificate, agent.certificate).ok());
}

TEST(Certificate, BadPemIsInvalidArgument) {
  EXPECT_EQ(read_identity("rubbish").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(issue({"x", "y"}, {"agent", "a", {}, {}}).status().code(), Code::kInvalidArgument);
}

TEST(Certificate, BadAddressIsRefused) {
  EXPECT_FALSE(issue(ca_of("t"), {"agent", "a", {}, {"not an address"}}).ok());
}

}  // namespace
}  // namespace moai::identity
