// Site: everything SDAManager knows, owned by one thread.
//
// The ledger holds what is durable; beside it stands what lives only as long as connections do. A
// function that changes the site never talks to the outside directly: it queues messages here, and
// the owner sends them once the changes they tell of are durable.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "moai/control/store/ledger.h"
#include "moai/rpc/service.h"

namespace moai::control {

struct Options {
  std::string version;  // of this server
  std::string device_name = "MoAI Accelerator";
  uint64_t device_memory = 0;  // bytes of one device, shown and granted; 0: the flavor's
  int64_t heartbeat_ms = 1000;
  int64_t silence_ms = 4000;         // a session or agent not heard for so long is gone
  int64_t restart_grace_ms = 60000;  // sessions of a former master may come back for so long
  int64_t worker_start_ms = 60000;
  int64_t report_ms = 1000;
  uint32_t sessions_max = 100000;
  uint32_t queue_max = 100000;
  uint32_t flavor_devices_max = 64;  // devices that one job can compute on
  bool agents_need_certificate = true;
  std::vector<FlavorRow> flavors;  // offered, in this order; empty: as the store has them
};

// One device of the site.
struct DeviceKey {
  uint64_t agent_id = 0;
  uint32_t index = 0;
  auto operator<=>(const DeviceKey&) const = default;
};

// One stream of a session or an agent. Shared by the transport's receiver and the live entry.
struct SessionConnection {
  rpc::Caller caller;
  rpc::CoreHandler::SessionSender sender;
  uint64_t session_id = 0;  // 0 until it is open
};
struct AgentConnection {
  rpc::Caller caller;
  rpc::CoreHandler::AgentSender sender;
  uint64_t agent_id = 0;  // 0 until it is registered
};

struct LiveSession {
  std::shared_ptr<SessionConnection> connection;  // null: broken, may be resumed
  int64_t heard_ns = 0;                           // steady
  std::string waiting_text;                       // what it was told last, empty: nothing
  // The decision that waiting_text says: (cause, lease in the way).
  std::pair<uint8_t, uint64_t> waiting_for{0, 0};
  std::set<int64_t> ancestors;  // pids on the session's host
};

struct LiveAgent {
  std::shared_ptr<AgentConnection> connection;  // null: not connected
  int64_t heard_ns = 0;                         // steady
  int64_t last_seen_ns = 0;                     // Unix
  std::map<uint32_t, v1::DeviceState> states;
  std::set<std::pair<uint32_t, uint64_t>> strays;  // (device, epoch) to be ended that no lease has
  std::string host_id;                             // empty until it registers
};

// A Worker that its front cannot reach any more.
struct LostLink {
  int64_t since_ns = 0;  // steady
  std::string address;
  std::string text;
};

struct Site {
  Site(Options o, Store* store) : options(std::move(o)), ledger(store) {}

  Options options;
  Ledger ledger;
  std::map<uint64_t, LiveSession> sessions;
  std::map<uint64_t, LiveAgent> agents;
  // How the lease of a session without a connection ended; said when it resumes.
  std::map<uint64_t, v1::SessionDown> missed_endings;
  std::map<uint64_t, int64_t> starting_since_ns;  // lease → steady time its Workers were ordered
  std::set<uint64_t> made_for_sessions;  // accelerators that go with the last session on them
  std::set<uint64_t> recovered;  // leases of a former master whose Workers were not seen yet
  std::map<uint64_t, LostLink> lost_links;  // by lease, until the agent says what became of it
  int64_t now_ns = 0;                       // Unix time, set by the owner before each piece of work
  // Time in which the owner was listening: it stands while the owner was held up (a slow disk, a
  // stopped machine, more messages than it could take), so that nobody is silent who was not heard.
  int64_t steady_ns = 0;
  int64_t idle_ns = 0;            // since the platform was last used, set by the owner too
  int64_t started_ns = 0;         // Unix
  int64_t started_steady_ns = 0;  // steady
  bool schedule_wanted = true;

  // Sent after the next commit, in order.
  std::vector<std::function<void()>> outbox;
  // Sent at once: what tells of no change (heartbeats, refusals).
  std::vector<std::function<void()>> prompt;

  void tell(uint64_t session_id, v1::SessionDown message);
  void order(uint64_t agent_id, v1::AgentDown message);
  // Ends the stream after the commit.
  void finish(const std::shared_ptr<SessionConnection>& connection, Status status);
  // Refuses a stream that changed nothing.
  template <class Connection>
  void refuse(const std::shared_ptr<Connection>& connection, Status status) {
    prompt.push_back([c = connection, s = std::move(status)] { c->sender->finish(s); });
  }
  template <class Connection, class Down>
  void beat(const std::shared_ptr<Connection>& connection, const Down& message) {
    prompt.push_back([c = connection, message] { c->sender->send(message); });
  }

  // Bytes of one device as sessions see it.
  uint64_t device_memory(const FlavorRow& flavor) const;
  uint32_t connected_devices() const;
  bool connected(uint64_t agent_id) const;
};

inline constexpr int64_t kNsPerMs = 1000000;

std::string lease_name(const LeaseRow& lease);  // "job/7", the subject of its events

}  // namespace moai::control
