// Server: the Core API over gRPC. Starts on construction's success, stops in the destructor.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "moai/base/status.h"
#include "moai/rpc/service.h"

namespace moai::rpc {

struct ServerOptions {
  std::string address;  // "host:port"; port 0: the system chooses, address() tells
  // PEM texts. Empty certificate: no TLS (tests on one machine only).
  std::string certificate, key;
  std::string ca;  // clients may show certificates of this CA; a bad one is refused
};

class Server {
 public:
  // `handler` must outlive the Server. UNAVAILABLE: the address cannot be used.
  static Result<std::unique_ptr<Server>> start(const ServerOptions& options, CoreHandler* handler);
  virtual ~Server() = default;

  virtual std::string address() const = 0;  // "host:port" with the real port
  // Refuses new calls, waits for running ones at most `drain`, then cancels them. Blocks; returns
  // when the handler will not be called again.
  virtual void stop(std::chrono::milliseconds drain) = 0;
};

}  // namespace moai::rpc
