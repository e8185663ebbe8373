// Packages of AOTInductor: the only user of its runtime.
#pragma once

#include <memory>
#include <string>

#include "moai/worker/windows/package.h"

namespace moai::worker {

// Loads packages for the CPU. What it loads is code and runs with this process's rights: its
// folder must belong to the user.
std::unique_ptr<PackageLoader> make_aoti_loader();

// What packages are compiled for: the instructions that libtorch uses here, and the processor.
std::string processor_name();

}  // namespace moai::worker
