#include "moai/comm/collective/nccl/library.h"

#include <gmock/gmock.h>

#include "moai/base/environment.h"
#include "moai/comm/collective/nccl/testing/library.h"

namespace moai::comm {
namespace {

using testing::HasSubstr;

TEST(NcclLibrary, IsFoundByTheKindOfDevice) {
  EXPECT_EQ(nccl_file("cuda"), "libnccl.so.2");
  EXPECT_EQ(nccl_file("hip"), "librccl.so.1");
  EXPECT_EQ(nccl_file("cpu"), "");
}

TEST(NcclLibrary, TellsItsVersion) {
  const auto library = load_nccl(test_nccl_file());
  ASSERT_TRUE(library.ok()) << library.status().to_string();
  EXPECT_EQ(nccl_version_text(library->version), "2.28.9");
}

TEST(NcclLibrary, SaysWhatIsMissing) {
  const auto none = load_nccl("libno-such-library.so.1");
  EXPECT_EQ(none.status().code(), Code::kUnavailable);
  EXPECT_THAT(none.status().message(), HasSubstr("libno-such-library.so.1"));
  EXPECT_THAT(load_nccl("libm.so.6").status().message(), HasSubstr("ncclGetVersion"));
  set_test_nccl("moai_test_nccl_version", 21304);
  const auto old = load_nccl(test_nccl_file());
  set_test_nccl("moai_test_nccl_version", 22809);
  EXPECT_EQ(old.status().code(), Code::kUnavailable);
  EXPECT_THAT(old.status().message(), HasSubstr("version 2.13.4 is older than 2.14.0"));
}

// Needs no device: what a real library exports, and as which version.
TEST(NcclLibrary, TheRealOneHasAllFunctions) {
  const auto file = environment("MOAI_TEST_NCCL");
  if (!file) GTEST_SKIP() << "MOAI_TEST_NCCL names no libnccl.so.2";
  const auto library = load_nccl(*file);
  ASSERT_TRUE(library.ok()) << library.status().to_string();
  EXPECT_GE(library->version, nccl::Config::kVersionMin);
  EXPECT_STREQ(library->error_string(nccl::kSuccess), "no error");
  std::cout << "NCCL " << nccl_version_text(library->version) << "\n";
}

}  // namespace
}  // namespace moai::comm
