// Snapshot: what moreh-smi shows, taken at one moment.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/toolkit/platform.h"

namespace moai::toolkit {

struct Snapshot {
  std::string client_version;
  std::string state;    // "configured", "local" or "stopped": a local platform that does not run
  std::string address;  // empty: stopped
  v1::Server server;
  std::vector<v1::Accelerator> accelerators;
};

// Of a stopped local platform: the accelerators it had when it was seen last, else the first one it
// will have.
Result<Snapshot> take_snapshot(const std::string& client_version, Platform& platform);

// Keeps accelerator `number` only. NOT_FOUND names those there are.
Status keep_accelerator(Snapshot* snapshot, uint32_t number);

// What the token's default is. Null: none.
const v1::Accelerator* default_accelerator(const Snapshot& snapshot);

// Holds devices, in contrast to one that only waits for them.
bool is_held(const v1::Process& process);

}  // namespace moai::toolkit
