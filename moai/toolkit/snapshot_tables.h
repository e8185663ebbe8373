// A snapshot as moreh-smi prints it.
#pragma once

#include <ctime>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "moai/toolkit/snapshot.h"

namespace moai::toolkit {

std::string device_table(const Snapshot& snapshot);
// Of all jobs, the waiting ones with their reason below; empty without a job.
std::string process_table(const Snapshot& snapshot);
std::string token_table(const Snapshot& snapshot);
// One row for each device that jobs hold.
std::string physical_table(const Snapshot& snapshot);

// Names are stable: client_version, server_version, latest_version, platform, address, devices[],
// processes[].
nlohmann::ordered_json to_json(const Snapshot& snapshot);

}  // namespace moai::toolkit
