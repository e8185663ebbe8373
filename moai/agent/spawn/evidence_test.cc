#include "moai/agent/spawn/evidence.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>

#include "moai/base/testing/temporary_directory.h"

namespace moai::agent {
namespace {

TEST(EvidenceTest, AnExitIsNamedByCodeOrSignal) {
  EXPECT_EQ(describe_exit(3 << 8), "exited with code 3");
  EXPECT_EQ(describe_exit(SIGSEGV), "killed by signal 11 (Segmentation fault)");
  EXPECT_NE(describe_exit(SIGKILL).find("want of memory"), std::string::npos);
}

TEST(EvidenceTest, TheTailHasTheLastLines) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/log";
  EXPECT_EQ(log_tail(path), "");
  {
    std::ofstream file(path);
    for (int i = 0; i < 10000; ++i) file << "line " << i << "\n\n";
  }
  EXPECT_EQ(log_tail(path, 2), "line 9998 | line 9999");
  EXPECT_EQ(log_tail(path, 2, 4), "9999");
}

}  // namespace
}  // namespace moai::agent
