// The lines that users of the platform know, in the words and the order they know.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/moai/core.pb.h"

namespace moai::session {

std::string requesting_line(const std::string& device_name);
std::string initializing_line(const std::string& device_name);
// "[1/2] Connecting to resources on the server (10.0.0.2:24150)...", one for each node.
std::vector<std::string> connecting_lines(const v1::Granted& granted);
std::string establishing_line();
// "… is ready to use.", then version and job.
std::vector<std::string> ready_lines(const std::string& device_name, const std::string& version,
                                     uint64_t job_id);
std::string newer_version_line();
bool is_newer(const std::string& version, const std::string& than);
// `seconds` since the master was last heard.
std::string away_line(const std::string& address, int64_t seconds);

}  // namespace moai::session
