#include "moai/session/local/device_memory.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "moai/base/site_settings.h"

namespace moai::session {
namespace {

TEST(DeviceMemoryTest, TheNumberIsReplacedAsAWhole) {
  const std::string dir = testing::TempDir() + "/device_memory_test";
  std::filesystem::remove_all(dir);
  ASSERT_TRUE(remember_device_memory(dir, uint64_t{68702699520}).ok());
  ASSERT_TRUE(remember_device_memory(dir, 1024).ok());
  EXPECT_EQ(first_line_of(dir + "/device_memory"), "1024");
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(dir)) ++files;
  EXPECT_EQ(files, 1u);
  std::filesystem::remove_all(dir);
}

TEST(DeviceMemoryTest, AnErrorNamesTheFile) {
  const Status status = remember_device_memory("/proc/nowhere", 1);
  EXPECT_NE(status.message().find("/proc/nowhere/device_memory"), std::string::npos);
}

}  // namespace
}  // namespace moai::session
