#include "moai/agent/state_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "moai/base/testing/temporary_directory.h"

namespace moai::agent {
namespace {

TEST(StateFileTest, AMissingFileIsAnEmptyState) {
  auto state = load_state("/dev/null/state.json");
  ASSERT_TRUE(state.ok());
  EXPECT_TRUE(state->newest_epochs.empty());
  EXPECT_EQ(state->last_heard_ms, 0);
}

TEST(StateFileTest, AStateSurvives) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/state.json";
  AgentState state;
  state.last_heard_ms = 123456;
  state.boot_id = "boot";
  state.newest_epochs = {{0, 7}, {3, uint64_t{1} << 63}};
  state.workers[3] = {3, uint64_t{1} << 63, {4711, 99}, "unix:/run/w3"};
  ASSERT_TRUE(save_state(path, state).ok());
  ASSERT_TRUE(save_state(path, state).ok()) << "replaces";
  auto loaded = load_state(path);
  ASSERT_TRUE(loaded.ok()) << loaded.status().to_string();
  EXPECT_EQ(loaded->last_heard_ms, 123456);
  EXPECT_EQ(loaded->boot_id, "boot");
  EXPECT_EQ(loaded->newest_epochs, state.newest_epochs);
  ASSERT_EQ(loaded->workers.size(), 1u);
  EXPECT_EQ(loaded->workers[3].process, (ProcessId{4711, 99}));
  EXPECT_EQ(loaded->workers[3].epoch, uint64_t{1} << 63);
  EXPECT_EQ(loaded->workers[3].address, "unix:/run/w3");
}

TEST(StateFileTest, ADamagedFileIsNotTakenForAnEmptyOne) {
  TemporaryDirectory directory;
  const std::string path = directory.path() + "/state.json";
  for (const char* text : {"", "{", "{\"version\":2}", "{\"version\":1}",
                           "{\"version\":1,\"last_heard_ms\":\"x\",\"boot_id\":\"\","
                           "\"newest_epochs\":[],\"workers\":[]}"}) {
    std::ofstream(path) << text;
    EXPECT_EQ(load_state(path).status().code(), Code::kDataLoss) << text;
  }
}

TEST(StateFileTest, AFailureToWriteIsTold) {
  EXPECT_EQ(save_state("/dev/null/state.json", {}).code(), Code::kUnavailable);
}

}  // namespace
}  // namespace moai::agent
