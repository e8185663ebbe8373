#include "moai/base/environment.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace moai {
namespace {

TEST(EnvironmentTest, TellsUnsetFromEmpty) {
  ::unsetenv("MOAI_TEST_VARIABLE");
  EXPECT_EQ(environment("MOAI_TEST_VARIABLE"), std::nullopt);
  ::setenv("MOAI_TEST_VARIABLE", "", 1);
  EXPECT_EQ(environment("MOAI_TEST_VARIABLE"), "");
  ::setenv("MOAI_TEST_VARIABLE", "value", 1);
  EXPECT_EQ(environment("MOAI_TEST_VARIABLE"), "value");
}

}  // namespace
}  // namespace moai
