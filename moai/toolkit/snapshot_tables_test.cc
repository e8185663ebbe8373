#include "moai/toolkit/snapshot_tables.h"

#include <gtest/gtest.h>

#include "moai/toolkit/testing/fake_core_api.h"

namespace moai::toolkit {
namespace {

constexpr const char* kIdle = R"(
+------------------------------------------------------------------------------------------------+
|                                                 Current Version: 0.1.0  Latest Version: 0.1.1  |
+------------------------------------------------------------------------------------------------+
|  Device  |  Name              |  Model       |  Memory Usage  |  Total Memory  |  Utilization  |
+================================================================================================+
|  * 0     |  MoAI Accelerator  |  Small.64GB  |  -             |  -             |  -            |
+------------------------------------------------------------------------------------------------+
)";

constexpr const char* kRunning = R"(
+------------------------------------------------------------------------------------------------+
|                                                 Current Version: 0.1.0  Latest Version: 0.1.1  |
+------------------------------------------------------------------------------------------------+
|  Device  |  Name              |  Model       |  Memory Usage  |  Total Memory  |  Utilization  |
+================================================================================================+
|  * 0     |  MoAI Accelerator  |  Small.64GB  |  397 MiB       |  65520 MiB     |  42 %         |
|    1     |  MoAI Accelerator  |  Small.64GB  |  -             |  -             |  -            |
+------------------------------------------------------------------------------------------------+
)";

class SnapshotTablesTest : public testing::Test {
 protected:
  Snapshot take() {
    Platform platform;
    platform.api = std::make_unique<FakeCoreApi>(&server_);
    platform.address = "master:9000";
    return take_snapshot("0.1.0", platform).value();
  }
  FakeServer server_;
};

TEST_F(SnapshotTablesTest, AnIdleAcceleratorShowsDashes) {
  EXPECT_EQ("\n" + device_table(take()), kIdle);
}

TEST_F(SnapshotTablesTest, ARunningJobShowsMemoryAndUtilization) {
  server_.run_job();
  server_.add_accelerator(1);
  EXPECT_EQ("\n" + device_table(take()), kRunning);
  EXPECT_EQ(process_table(take()), R"(Processes:
+-------------------------------------------------------------------+
|  Device  |  Job ID  |  PID   |  Process          |  Memory Usage  |
+===================================================================+
|  0       |  7       |  4007  |  python train.py  |  397 MiB       |
+-------------------------------------------------------------------+
)");
}

TEST_F(SnapshotTablesTest, WithoutAJobThereIsNoProcessTable) {
  EXPECT_EQ(process_table(take()), "");
  EXPECT_EQ(physical_table(take()), "No job is running, so no physical device is held.\n");
}

TEST_F(SnapshotTablesTest, AWaitingProcessIsShownWithItsReason) {
  server_.run_job();
  server_.add_process(server_.first(), 8, "queued")
      ->set_reason("MoAI Accelerator is already in use by another process:\n  (pid: 4007) python");
  EXPECT_EQ(process_table(take()), R"(Processes:
+-------------------------------------------------------------------+
|  Device  |  Job ID  |  PID   |  Process          |  Memory Usage  |
+===================================================================+
|  0       |  7       |  4007  |  python train.py  |  397 MiB       |
|  0       |  8       |  4008  |  python train.py  |  waiting       |
+-------------------------------------------------------------------+
Job 8 (pid: 4008) waits: MoAI Accelerator is already in use by another process:
  (pid: 4007) python
)");
  EXPECT_EQ(to_json(take())["processes"][1]["waiting"], true);
}

TEST_F(SnapshotTablesTest, AWaitingProcessAloneHoldsNothing) {
  server_.add_process(server_.first(), 8, "queued");
  EXPECT_NE(process_table(take()).find("Job 8 (pid: 4008) waits: the request has just come."),
            std::string::npos);
  EXPECT_EQ(to_json(take())["devices"][0]["state"], "idle");
  EXPECT_TRUE(to_json(take())["devices"][0]["memory_used_bytes"].is_null());
}

TEST_F(SnapshotTablesTest, TokensAndPhysicalDevicesHaveTheirTables) {
  server_.run_job();
  EXPECT_EQ(token_table(take()), R"(+---------------------------------------------------------+
|          Current Version: 0.1.0  Latest Version: 0.1.1  |
+---------------------------------------------------------+
|  Device  |  Name              |  Token   |  Model       |
+=========================================================+
|  * 0     |  MoAI Accelerator  |  team A  |  Small.64GB  |
+---------------------------------------------------------+
)");
  EXPECT_EQ(
      physical_table(take()),
      R"(+--------------------------------------------------------------------------------------+
|                                       Current Version: 0.1.0  Latest Version: 0.1.1  |
+--------------------------------------------------------------------------------------+
|  Dev  |  Location  |  Dev Temp  |  Mem Temp  |  Dev Util  |  Mem Util  |  Mem Usage  |
+======================================================================================+
|  0    |  back01:3  |  61 C      |  -         |  42 %      |  1 %       |  655 MiB    |
+--------------------------------------------------------------------------------------+
)");
}

TEST_F(SnapshotTablesTest, JsonNamesAreStable) {
  server_.run_job();
  EXPECT_EQ(to_json(take()).dump(1), R"({
 "client_version": "0.1.0",
 "server_version": "0.1.0",
 "latest_version": "0.1.1",
 "platform": "configured",
 "address": "master:9000",
 "devices": [
  {
   "device": 0,
   "default": true,
   "name": "MoAI Accelerator",
   "model": "Small.64GB",
   "model_id": 1,
   "model_devices": 1,
   "token": "team A",
   "state": "running",
   "memory_used_bytes": 416284672,
   "memory_total_bytes": 68702699520,
   "utilization_percent": 42.0,
   "physical": [
    {
     "location": "back01:3",
     "host": "back01",
     "index": 3,
     "model": "simulated",
     "utilization_percent": 42.0,
     "memory_used_bytes": 686817280,
     "memory_total_bytes": 68702699520,
     "temperature_c": 61.0,
     "memory_temperature_c": null,
     "power_w": null
    }
   ]
  }
 ],
 "processes": [
  {
   "device": 0,
   "job_id": 7,
   "pid": 4007,
   "process": "python train.py",
   "hostname": "front",
   "state": "active",
   "waiting": false,
   "reason": "",
   "memory_used_bytes": 416284672
  }
 ]
})");
}

TEST_F(SnapshotTablesTest, AnUnknownAcceleratorIsRefusedWithThoseThereAre) {
  server_.add_accelerator(1);
  Snapshot snapshot = take();
  EXPECT_EQ(keep_accelerator(&snapshot, 7).message(),
            "This token has no accelerator 7; its accelerators are: 0, 1");
  snapshot = take();
  ASSERT_TRUE(keep_accelerator(&snapshot, 1).ok());
  ASSERT_EQ(snapshot.accelerators.size(), 1u);
  EXPECT_EQ(snapshot.accelerators[0].number(), 1u);
}

}  // namespace
}  // namespace moai::toolkit
