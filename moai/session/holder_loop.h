// Runs a Holder: one thread polls the driver's socket, the script's pidfd and the master's stream.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "moai/base/fd.h"
#include "moai/rpc/client/stream.h"
#include "moai/session/holder.h"

namespace moai::session {

using SayLine = std::function<void(uint8_t level, std::string text)>;

struct HolderLoopOptions {
  Fd driver;  // stream socket; its end means that the script is gone
  Fd script;  // pidfd of the script; not valid: only the socket tells
  HolderOptions holder;
  // Finds the platform, starting it if need be. May block; runs on a thread of its own and returns
  // soon after `stop` became true.
  std::function<Result<Platform>(const Start&, const SayLine&, const std::atomic<bool>& stop)>
      locate;
  std::function<Result<std::unique_ptr<rpc::SessionStream>>(const Platform&)> connect;
  // The memory of the flavor, of all its devices, became known. May be empty.
  std::function<void(uint64_t device_memory)> remember;
};

// Returns when the script is gone and the master was told, or when the session has failed.
void run_holder(HolderLoopOptions options);

}  // namespace moai::session
