#include "moai/agent/probe/simulated.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "moai/base/process.h"

namespace moai::agent {
namespace {

TEST(SimulatedTest, DevicesShareHalfOfTheMachinesMemory) {
  auto probe = simulated_probe({.devices = 4});
  auto devices = probe->devices();
  ASSERT_TRUE(devices.ok());
  ASSERT_EQ(devices->size(), 4u);
  uint64_t sum = 0;
  for (const ProbedDevice& device : *devices) {
    EXPECT_EQ(device.kind, "cpu");
    EXPECT_TRUE(device.simulated);
    sum += device.memory_bytes;
  }
  EXPECT_EQ((*devices)[3].index, 3u);
  EXPECT_GT(sum, 0u);
  EXPECT_LE(sum, default_simulated_memory(1));
}

TEST(SimulatedTest, MemoryIsASetting) {
  auto probe = simulated_probe({.devices = 1, .memory_bytes = 123});
  EXPECT_EQ(probe->devices()->at(0).memory_bytes, 123u);
}

TEST(SimulatedTest, AnIdleDeviceIsColdAndUnused) {
  auto probe = simulated_probe({.devices = 1});
  auto sample = probe->sample(0, 0, 1000);
  ASSERT_TRUE(sample.ok());
  EXPECT_EQ(sample->utilization, 0);
  EXPECT_EQ(sample->memory_used_bytes, 0u);
  EXPECT_LT(*sample->temperature_c, 40);
  EXPECT_FALSE(probe->sample(1, 0, 1000).ok());
}

TEST(SimulatedTest, ABusyWorkerHeatsItsDevice) {
  auto pid = spawn({.argv = {"sh", "-c", "while :; do :; done"}});
  ASSERT_TRUE(pid.ok());
  auto probe = simulated_probe({.devices = 2, .threads = 1});
  ASSERT_TRUE(probe->sample(0, *pid, 1000).ok());
  int rounds = 0;
  while (cpu_time_ns(*pid) < 50'000'000 && ++rounds < 500) ::poll(nullptr, 0, 10);
  // The probe believes that as much time passed as the Worker was busy.
  const int64_t later = 1000 + static_cast<int64_t>(cpu_time_ns(*pid) / 1'000'000);
  auto hot = probe->sample(0, *pid, later);
  ASSERT_TRUE(hot.ok());
  EXPECT_GT(hot->utilization, 0.5);
  EXPECT_GT(hot->memory_used_bytes, 0u);
  EXPECT_GT(*hot->power_w, 200);
  EXPECT_GT(*hot->temperature_c, *probe->sample(1, 0, later)->temperature_c);
  ::kill(static_cast<pid_t>(*pid), SIGKILL);
  ::waitpid(static_cast<pid_t>(*pid), nullptr, 0);
}

}  // namespace
}  // namespace moai::agent
