// What is known about the end of a process, in words for events and error messages.
#pragma once

#include <string>

namespace moai::agent {

// `wait_status` as waitpid() gives it: "exited with code 3", "killed by signal 11 (Segmentation
// fault)".
std::string describe_exit(int wait_status);

// The last `lines` non-empty lines of a log file, joined by " | " and cut to `bytes`; empty when
// there is none.
std::string log_tail(const std::string& path, size_t lines = 5, size_t bytes = 1000);

}  // namespace moai::agent
