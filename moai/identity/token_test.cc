#include "moai/identity/token.h"

#include <gtest/gtest.h>

#include <set>

namespace moai::identity {
namespace {

TEST(Token, HasThePrefixAndIsUrlSafe) {
  const std::string token = make_token();
  EXPECT_EQ(token.substr(0, 5), "moai_");
  EXPECT_EQ(token.size(), 48u);
  EXPECT_EQ(
      token.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"),
      std::string::npos);
}

TEST(Token, NeverRepeats) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(seen.insert(make_token()).second);
}

TEST(Token, HashIsStableAndDiffersByToken) {
  EXPECT_EQ(hash_token("a"), hash_token("a"));
  EXPECT_NE(hash_token("a"), hash_token("b"));
  EXPECT_EQ(hash_token("a").size(), 32u);
}

TEST(Token, ComparesContentAndLength) {
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("abc", "abcd"));
  EXPECT_TRUE(equal_constant_time("", ""));
}

TEST(Token, ADerivedSecretDependsOnSecretAndPurpose) {
  const std::string a(kSecretBytes, 'a'), b(kSecretBytes, 'b');
  EXPECT_EQ(derive_secret(a, "group"), derive_secret(a, "group"));
  EXPECT_NE(derive_secret(a, "group"), derive_secret(b, "group"));
  EXPECT_NE(derive_secret(a, "group"), derive_secret(a, "other"));
  EXPECT_NE(derive_secret(a, "group"), a);
  EXPECT_EQ(derive_secret(a, "group").size(), kSecretBytes);
}

TEST(Token, SecretIsRaw32Bytes) { EXPECT_EQ(make_secret().size(), kSecretBytes); }

}  // namespace
}  // namespace moai::identity
