#include "moai/compiler/planner/unshared.h"

#include <gmock/gmock.h>

namespace moai::compiler {
namespace {

using testing::HasSubstr;

TEST(Unshared, AContextThatCannotBeSplitIsTold) {
  EXPECT_EQ(unshared_context({.cp = 1}, 0), "");
  EXPECT_EQ(unshared_context({.cp = 4}, 4), "");
  EXPECT_THAT(unshared_context({.cp = 4}, 3), HasSubstr("3 tokens, fewer than cp"));
  EXPECT_THAT(unshared_context({.cp = 2}, 0), HasSubstr("no sequence was recognized"));
}

}  // namespace
}  // namespace moai::compiler
