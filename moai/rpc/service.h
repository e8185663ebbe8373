// What a server of the Core API implements. No gRPC type here: the handlers are called by the gRPC
// server of moai/rpc/server.h and, in tests and the simulator, by the transport in memory.
//
// Handlers are called on transport threads, several at once, and must not block: they queue their
// work and answer later through Reply or Sender, from any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "moai/base/status.h"
#include "moai/identity/certificate.h"
#include "proto/moai/core.pb.h"

namespace moai::rpc {

// Who calls, as far as the transport can tell.
struct Caller {
  std::string token;                       // of metadata "authorization: Bearer …", else empty
  std::optional<identity::Identity> peer;  // of a client certificate that our CA issued
  std::string address;                     // for events and log lines
};

// The sending half of a stream at the server. Thread-safe. Messages are queued (at most
// kSendQueueMax, then the stream is ended with RESOURCE_EXHAUSTED) and sent in order.
template <class Down>
class Sender {
 public:
  virtual ~Sender() = default;
  // False when the stream is over; the message is dropped then.
  virtual bool send(Down message) = 0;
  // Ends the stream after what is queued. Later calls do nothing.
  virtual void finish(const Status& status) = 0;
};
inline constexpr size_t kSendQueueMax = 4096;

// The receiving half. Calls come one at a time; closed() is the last one.
template <class Up>
class Receiver {
 public:
  virtual ~Receiver() = default;
  virtual void received(Up message) = 0;
  // `clean`: the client ended its half in order. Else the connection broke or was cancelled.
  virtual void closed(bool clean) = 0;
};

template <class T>
using Reply = std::function<void(Result<T>)>;

class CoreHandler {
 public:
  virtual ~CoreHandler() = default;

  using SessionSender = std::shared_ptr<Sender<v1::SessionDown>>;
  using AgentSender = std::shared_ptr<Sender<v1::AgentDown>>;
  virtual std::shared_ptr<Receiver<v1::SessionUp>> attach(const Caller&, SessionSender) = 0;
  virtual std::shared_ptr<Receiver<v1::AgentUp>> attend(const Caller&, AgentSender) = 0;

#define MOAI_CORE_CALLS(X)                                                      \
  X(GetServer, get_server, GetServerRequest, Server)                            \
  X(ListAccelerators, list_accelerators, ListAcceleratorsRequest, Accelerators) \
  X(AddAccelerator, add_accelerator, AddAcceleratorRequest, Accelerator)        \
  X(RemoveAccelerator, remove_accelerator, AcceleratorRequest, Empty)           \
  X(SwitchAccelerator, switch_accelerator, AcceleratorRequest, Empty)           \
  X(SwitchModel, switch_model, SwitchModelRequest, Accelerator)                 \
  X(ResetAccelerator, reset_accelerator, AcceleratorRequest, Empty)             \
  X(ListFlavors, list_flavors, Empty, Flavors)                                  \
  X(ListJobs, list_jobs, ListJobsRequest, Jobs)                                 \
  X(ListEvents, list_events, ListEventsRequest, Events)                         \
  X(ListAgents, list_agents, Empty, AgentList)                                  \
  X(CreateToken, create_token, CreateTokenRequest, CreatedToken)                \
  X(ListTokens, list_tokens, Empty, Tokens)                                     \
  X(RevokeToken, revoke_token, RevokeTokenRequest, Empty)

#define MOAI_CORE_HANDLER(Name, name, Request, Response) \
  virtual void name(const Caller&, const v1::Request&, Reply<v1::Response>) = 0;
  MOAI_CORE_CALLS(MOAI_CORE_HANDLER)
#undef MOAI_CORE_HANDLER
};

}  // namespace moai::rpc
