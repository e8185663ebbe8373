#include "moai/agent/spawn/compile_service.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "moai/base/log.h"
#include "moai/base/testing/temporary_directory.h"

namespace moai::agent {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

class CompileServiceTest : public testing::Test {
 protected:
  CompileServiceTest() { set_log_level(LogLevel::kOff); }
  ~CompileServiceTest() override { set_log_level(LogLevel::kInfo); }

  // A shell script in place of Python; its arguments are those of the service.
  CompileService service(const std::string& script) const {
    const std::string program = directory_.path() + "/python";
    std::ofstream(program) << "#!/bin/sh\n" << script << "\n";
    ::chmod(program.c_str(), 0700);
    return CompileService({program, directory_.path(), directory_.path() + "/log"});
  }
  void ask() { std::ofstream(directory_.path() + "/k.request") << "text"; }
  std::string content(const std::string& name) {
    std::ifstream file(directory_.path() + "/" + name);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Until it has ended, at most 10 s.
  void finish(CompileService* service) {
    for (int i = 0; i < 1000 && service->running(); ++i) {
      ::poll(nullptr, 0, 10);
      service->advance();
    }
  }

  TemporaryDirectory directory_;
};

TEST_F(CompileServiceTest, StartsWhenSomethingIsAskedFor) {
  CompileService service = this->service("echo \"$@\" >$3/seen; rm $3/k.request");
  service.advance();
  EXPECT_FALSE(service.running());
  ask();
  service.advance();
  EXPECT_TRUE(service.running());
  finish(&service);
  EXPECT_EQ(content("seen"), "-m moai._compile.service " + directory_.path() + "\n");
  EXPECT_FALSE(service.running());
  EXPECT_EQ(content("k.failed"), "");
}

TEST_F(CompileServiceTest, WhatItCannotStartWithIsTheReasonOfItsRequests) {
  CompileService service = this->service("echo 'No module named moai' >&2; exit 1");
  ask();
  service.advance();
  finish(&service);
  EXPECT_THAT(content("k.failed"), StartsWith("here: the compile service (" + directory_.path()));
  EXPECT_THAT(content("k.failed"), HasSubstr("exited with code 1: No module named moai"));
  EXPECT_FALSE(fs::exists(directory_.path() + "/k.request"));
}

TEST_F(CompileServiceTest, AnInterpreterThatIsNotThereIsTold) {
  CompileService service({"/none/python", directory_.path(), directory_.path() + "/log"});
  ask();
  service.advance();
  EXPECT_THAT(content("k.failed"), HasSubstr("/none/python"));
}

TEST_F(CompileServiceTest, WithoutAnInterpreterNothingStarts) {
  CompileService service({"", directory_.path(), directory_.path() + "/log"});
  ask();
  service.advance();
  EXPECT_FALSE(service.running());
  EXPECT_TRUE(fs::exists(directory_.path() + "/k.request"));
}

TEST_F(CompileServiceTest, EndsWithTheAgent) {
  int64_t pid = 0;
  {
    CompileService service = this->service("echo $$ >$3/pid; sleep 100");
    ask();
    service.advance();
    for (int i = 0; i < 1000 && content("pid").empty(); ++i) ::poll(nullptr, 0, 10);
    pid = std::stoll(content("pid"));
  }
  EXPECT_NE(::kill(static_cast<pid_t>(pid), 0), 0);
}

}  // namespace
}  // namespace moai::agent
