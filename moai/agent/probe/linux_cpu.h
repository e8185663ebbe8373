// The machine's own processors and memory as one device of kind "cpu".
#pragma once

#include "moai/agent/probe/probe.h"

namespace moai::agent {

// `root` is where proc/ and sys/ are found; tests put their own there.
std::unique_ptr<Probe> linux_cpu_probe(std::string root = "");

}  // namespace moai::agent
