// CoreClient: one function per call of the Core API, for toolkit, console and tests.
//
// Calls block until the answer or the deadline (10 s unless set). Thread-safe. Reading tokens and
// certificates from files is the caller's business.
#pragma once

#include <chrono>
#include <memory>

#include "moai/base/status.h"
#include "moai/rpc/client/channel.h"
#include "moai/rpc/service.h"
#include "proto/moai/core.pb.h"

namespace moai::rpc {

inline constexpr std::chrono::milliseconds kCallDeadline{10000};

class CoreClient {
 public:
  explicit CoreClient(std::shared_ptr<Channel> channel,
                      std::chrono::milliseconds deadline = kCallDeadline);
  ~CoreClient();

  // get_server(GetServerRequest) → Server, list_accelerators(…), … as in MOAI_CORE_CALLS.
#define MOAI_CORE_CLIENT(Name, name, Request, Response) \
  Result<v1::Response> name(const v1::Request& request = {});
  MOAI_CORE_CALLS(MOAI_CORE_CLIENT)
#undef MOAI_CORE_CLIENT

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace moai::rpc
