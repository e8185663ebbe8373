#include "moai/base/profile.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <thread>

namespace moai {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string trace() {
  const std::string path = "/tmp/moai-trace-" + std::to_string(::getpid());
  EXPECT_EQ(profile::write_trace(path), ok_status());
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  std::remove(path.c_str());
  return text.str();
}

TEST(Profile, KeepsSpansOfEveryThreadOnceItIsOn) {
  {
    const Span before(SpanKind::kWait, "before");
  }
  profile::start();
  {
    const Span span(SpanKind::kCapture, "aten::add");
  }
  std::thread([] { const Span span(SpanKind::kSend, "on another thread"); }).join();
  profile::add(SpanKind::kStepEnd, "\"quoted\"", 1'500, 1'500);
  const std::string text = trace();
  EXPECT_THAT(text, HasSubstr("{\"name\":\"aten::add\",\"cat\":\"capture\",\"ph\":\"X\",\"ts\":"));
  EXPECT_THAT(text, HasSubstr("\"name\":\"on another thread\",\"cat\":\"send\""));
  EXPECT_THAT(text, HasSubstr("\"name\":\"quoted\",\"cat\":\"step\",\"ph\":\"X\",\"ts\":1.500,"
                              "\"dur\":0.000"));
  EXPECT_THAT(text, HasSubstr("\"otherData\":{\"lost\":0}"));
  EXPECT_THAT(text, Not(HasSubstr("before")));
  EXPECT_FALSE(profile::on()) << "it ends when it is written";
}

TEST(Profile, AFileThatCannotBeWrittenIsSaid) {
  EXPECT_EQ(profile::write_trace("/dev/null/x").code(), Code::kUnavailable);
}

}  // namespace
}  // namespace moai
