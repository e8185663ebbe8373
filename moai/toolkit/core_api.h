// The Core API as commands call it: over gRPC, or in tests in memory.
#pragma once

#include <memory>
#include <string>

#include "moai/base/status.h"
#include "moai/rpc/client/core_client.h"

namespace moai::toolkit {

// Calls block until the answer or a deadline. One thread.
class CoreApi {
 public:
  virtual ~CoreApi() = default;
#define MOAI_TOOLKIT_CALL(Name, name, Request, Response) \
  virtual Result<v1::Response> name(const v1::Request& request) = 0;
  MOAI_CORE_CALLS(MOAI_TOOLKIT_CALL)
#undef MOAI_TOOLKIT_CALL
};

// How to reach SDAManager, and what a user can do when it does not answer.
struct CoreApiOptions {
  rpc::ChannelOptions channel;
  std::string if_silent;
};
Result<std::unique_ptr<CoreApi>> open_core_api(const CoreApiOptions& options);

// What a user reads of an error: one line.
Status explain_error(const Status& status, const CoreApiOptions& options);

}  // namespace moai::toolkit
