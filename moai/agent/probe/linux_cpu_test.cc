#include "moai/agent/probe/linux_cpu.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace moai::agent {
namespace {

class LinuxCpuTest : public testing::Test {
 protected:
  LinuxCpuTest() : root_(testing::TempDir() + "linux_cpu_" + std::to_string(::getpid())) {
    std::filesystem::create_directories(root_ + "/proc");
    std::filesystem::create_directories(root_ + "/sys/class/thermal/thermal_zone0");
  }
  ~LinuxCpuTest() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    std::ofstream(root_ + path) << text;
  }
  std::string root_;
};

TEST_F(LinuxCpuTest, TheMachineIsOneDevice) {
  auto devices = linux_cpu_probe()->devices();
  ASSERT_TRUE(devices.ok());
  ASSERT_EQ(devices->size(), 1u);
  EXPECT_EQ(devices->at(0).kind, "cpu");
  EXPECT_FALSE(devices->at(0).simulated);
  EXPECT_GT(devices->at(0).memory_bytes, 1u << 28);
}

TEST_F(LinuxCpuTest, ASampleComesFromTheKernelsFiles) {
  write("/proc/meminfo", "MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  400 kB\n");
  write("/proc/cpuinfo", "processor : 0\nmodel name\t: Fast One\n");
  write("/proc/stat",
        "cpu  100 0 0 900 0 0 0\ncpu0 50 0 0 450 0 0 0\ncpu1 50 0 0 450 0 0 0\nintr 1");
  write("/sys/class/thermal/thermal_zone0/temp", "41500\n");
  auto probe = linux_cpu_probe(root_);
  EXPECT_EQ(probe->devices()->at(0).model, "Fast One");
  auto first = probe->sample(0, 0, 1000);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(first->memory_used_bytes, 600u * 1024);
  EXPECT_EQ(first->utilization, 0);
  EXPECT_DOUBLE_EQ(*first->temperature_c, 41.5);
  write("/proc/stat",
        "cpu  150 0 50 950 0 0 0\ncpu0 50 0 0 450 0 0 0\ncpu1 50 0 0 450 0 0 0\nintr 1");
  auto second = probe->sample(0, 0, 2000);
  ASSERT_TRUE(second.ok());
  EXPECT_DOUBLE_EQ(second->utilization, 0.5) << "one of two processors was busy";
}

TEST_F(LinuxCpuTest, WithoutItsFilesTheProbeIsUnavailable) {
  EXPECT_EQ(linux_cpu_probe(root_)->devices().status().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace moai::agent
