#include "moai/device/aten/errors.h"

#include <c10/util/Exception.h>
#include <gmock/gmock.h>

#include <new>
#include <stdexcept>

namespace moai::device {
namespace {

using testing::HasSubstr;
using testing::Not;

template <class Thrower>
Status thrown(Thrower thrower) {
  return without_exceptions([&] {
    thrower();
    return ok_status();
  });
}

TEST(Errors, EachClassOfTorchHasItsCode) {
  EXPECT_EQ(thrown([] { TORCH_CHECK_INDEX(false, "x"); }).code(), Code::kOutOfRange);
  EXPECT_EQ(thrown([] { TORCH_CHECK_VALUE(false, "x"); }).code(), Code::kInvalidArgument);
  EXPECT_EQ(thrown([] { TORCH_CHECK_TYPE(false, "x"); }).code(), Code::kFailedPrecondition);
  EXPECT_EQ(thrown([] { TORCH_CHECK_NOT_IMPLEMENTED(false, "x"); }).code(), Code::kUnimplemented);
  EXPECT_EQ(thrown([] { TORCH_CHECK_LINALG(false, "x"); }).code(), Code::kAborted);
  EXPECT_EQ(thrown([] { TORCH_CHECK_WITH(OutOfMemoryError, false, "x"); }).code(),
            Code::kResourceExhausted);
  EXPECT_EQ(thrown([] { TORCH_CHECK(false, "x"); }).code(), Code::kUnknown);
  EXPECT_EQ(thrown([] { throw std::bad_alloc(); }).code(), Code::kResourceExhausted);
  EXPECT_EQ(thrown([] { throw std::runtime_error("x"); }).code(), Code::kUnknown);
  EXPECT_EQ(thrown([] { throw 5; }).code(), Code::kInternal);
}

TEST(Errors, TheTextIsTorchsWithoutABacktrace) {
  const Status status = thrown([] { TORCH_CHECK(false, "sizes ", 3, " and ", 4); });
  EXPECT_THAT(status.message(), HasSubstr("sizes 3 and 4"));
  EXPECT_THAT(status.message(), Not(HasSubstr("frame #")));
}

TEST(Errors, WhatIsReturnedPassesThrough) {
  EXPECT_EQ(thrown([] {}), ok_status());
  const auto value = without_exceptions([]() -> Result<int> { return 5; });
  EXPECT_EQ(*value, 5);
}

}  // namespace
}  // namespace moai::device
