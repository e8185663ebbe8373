#include "moai/comm/collective/frame.h"

#include <gtest/gtest.h>

namespace moai::comm {
namespace {

const FrameHeader kPart = {.kind = FrameKind::kPart,
                           .group = 0x123456789abcdef0,
                           .frames_taken = 5,
                           .bytes_taken = 70000,
                           .operation = "whatever",
                           .number = 9};

TEST(Frame, HeadersOfEveryKindDecodeEqualAndLeaveTheContent) {
  const FrameHeader mail = {.kind = FrameKind::kMail, .group = 1, .number = ~0ull};
  const FrameHeader abort = {.kind = FrameKind::kAbort, .group = 2, .code = Code::kUnavailable};
  const FrameHeader leave = {.kind = FrameKind::kLeave, .group = 3};
  for (const FrameHeader& header : {kPart, mail, abort, leave}) {
    const std::string bytes = encode(header) + "content";
    const auto frame = decode_frame(bytes);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->header, header);
    EXPECT_EQ(bytes.substr(frame->content_at), "content");
  }
}

TEST(Frame, CutAndForeignBytesAreRefused) {
  const std::string bytes = encode(kPart);
  for (size_t cut = 0; cut < bytes.size(); ++cut) EXPECT_FALSE(decode_frame(bytes.substr(0, cut)));
  EXPECT_FALSE(decode_frame(std::string(1, '\0') + bytes.substr(1)));
  EXPECT_FALSE(decode_frame(std::string(1, '\5') + bytes.substr(1)));
  std::string abort = encode(FrameHeader{.kind = FrameKind::kAbort, .code = Code::kAborted});
  abort.back() = 0;  // no failure
  EXPECT_FALSE(decode_frame(abort));
  abort.back() = 17;
  EXPECT_FALSE(decode_frame(abort));
}

TEST(Frame, GreetingsDecodeEqual) {
  const Greeting greeting = {.secret = "s3cret", .rank = 700};
  const std::string bytes = encode(greeting);
  EXPECT_EQ(decode_greeting(bytes), greeting);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    EXPECT_FALSE(decode_greeting(bytes.substr(0, cut)));
  }
  EXPECT_FALSE(decode_greeting(bytes + "x"));
  EXPECT_FALSE(decode_greeting("M" + bytes.substr(1, 3) + "?" + bytes.substr(5)));
}

}  // namespace
}  // namespace moai::comm
