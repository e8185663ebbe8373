#include "moai/identity/digest.h"

#include <gtest/gtest.h>

namespace moai::identity {
namespace {

TEST(Digest, IsBlake2b) {
  EXPECT_EQ(digest_hex("abc"), "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
  EXPECT_NE(digest_hex("abc"), digest_hex("abd"));
}

}  // namespace
}  // namespace moai::identity
