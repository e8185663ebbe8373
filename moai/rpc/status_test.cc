#include "moai/rpc/status.h"

#include <gtest/gtest.h>

namespace moai::rpc {
namespace {

TEST(RpcStatus, RoundTripsEveryCode) {
  for (int code = 1; code <= static_cast<int>(Code::kUnauthenticated); ++code) {
    const Status status(static_cast<Code>(code), "text");
    EXPECT_EQ(from_grpc(to_grpc(status)), status);
  }
  EXPECT_TRUE(from_grpc(to_grpc(ok_status())).ok());
}

TEST(RpcStatus, KeepsDetails) {
  const grpc::Status foreign(grpc::StatusCode::ABORTED, "short", "long");
  EXPECT_EQ(from_grpc(foreign).message(), "short\nlong");
}

TEST(RpcStatus, UnknownCodeIsUnknown) {
  EXPECT_EQ(from_grpc(grpc::Status(static_cast<grpc::StatusCode>(99), "x")).code(), Code::kUnknown);
}

}  // namespace
}  // namespace moai::rpc
