// Rows: what SDAManager keeps durably. Plain data; ids come from the counters and are never used
// again. Times are Unix nanoseconds.
//
// fields() lists a row's columns in the order of its table, which is how every Store reads and
// writes it.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "moai/control/lifecycle/lease_state.h"

namespace moai::control {

// Bytes that are not text.
struct Blob {
  std::string bytes;
  bool operator==(const Blob&) const = default;
};

struct TokenRow {
  uint64_t id = 0;
  std::string description;
  Blob hash;  // of the secret
  int32_t priority = 0;
  bool admin = false;
  uint32_t accelerators_max = 5;  // 0: as many as there are devices (the local platform's token)
  uint32_t devices_max = 0;       // 0: no limit
  uint32_t default_accelerator = 0;
  bool revoked = false;
  int64_t created_ns = 0;
  bool operator==(const TokenRow&) const = default;
};

struct FlavorRow {
  uint64_t id = 0;
  uint32_t position = 0;  // in menus, from 1; 0: not offered any more
  std::string name;
  uint32_t devices = 1;
  uint64_t memory_bytes = 0;  // of one device
  bool operator==(const FlavorRow&) const = default;
};

struct AcceleratorRow {
  uint64_t id = 0;
  uint64_t token_id = 0;
  uint32_t number = 0;  // of this token
  uint64_t flavor_id = 0;
  bool operator==(const AcceleratorRow&) const = default;
};

// What a process says of itself, kept with its session and with each of its leases.
struct ProcessInfo {
  int64_t pid = 0;
  std::string command;
  std::string hostname;
  std::string user;
  std::string client;  // "pytorch-2.13.0"
  bool operator==(const ProcessInfo&) const = default;
};

struct SessionRow {
  uint64_t id = 0;
  uint64_t token_id = 0;
  uint64_t accelerator_id = 0;
  uint64_t job_id = 0;
  uint64_t flavor_id = 0;  // asked for by the session; 0: the accelerator's
  bool own_accelerator = false;
  Blob resume_hash;
  ProcessInfo process;
  int64_t opened_ns = 0;
  bool operator==(const SessionRow&) const = default;
};

struct LeaseWorker {
  uint64_t agent_id = 0;
  uint32_t device = 0;
  std::string address;  // empty until it is ready
  std::string secret;
  int64_t pid = 0;
  bool ended = false;
  bool operator==(const LeaseWorker&) const = default;
};

struct LeaseRow {
  uint64_t id = 0;
  uint64_t job_id = 0;
  uint64_t session_id = 0;
  uint64_t token_id = 0;
  uint64_t accelerator_id = 0;
  uint32_t accelerator = 0;  // its number, for history
  uint64_t flavor_id = 0;
  std::string flavor;
  uint32_t devices = 1;
  int32_t priority = 0;
  LeaseState state = LeaseState::kRequested;
  uint64_t epoch = 0;  // 0: not granted yet
  int64_t requested_ns = 0;
  int64_t granted_ns = 0;
  int64_t ended_ns = 0;     // the session has it no more
  int64_t released_ns = 0;  // its devices are free; the row is history
  std::string cause;        // why it ended
  ProcessInfo process;
  std::vector<LeaseWorker> workers;
  bool operator==(const LeaseRow&) const = default;
};

struct DeviceRow {
  uint32_t index = 0;
  std::string kind;
  std::string model;
  uint64_t memory_bytes = 0;
  bool simulated = false;
  bool operator==(const DeviceRow&) const = default;
};

struct AgentRow {
  uint64_t id = 0;
  std::string name;
  std::string host;
  std::string version;
  int64_t pid = 0;
  int64_t self_fence_ms = 0;
  std::vector<DeviceRow> devices;
  bool operator==(const AgentRow&) const = default;
};

struct EventRow {
  uint64_t id = 0;
  int64_t time_ns = 0;
  std::string kind;     // "lease.granted"
  std::string subject;  // "job/7"
  std::string actor;    // "token/3 (team A)", "agent/back01", "scheduler"
  std::string cause;
  bool operator==(const EventRow&) const = default;
};

// The first outcome of a mutating call.
struct OperationRow {
  uint64_t id = 0;
  std::string key;  // caller and operation id
  Blob response;
  int64_t time_ns = 0;
  bool operator==(const OperationRow&) const = default;
};

enum class Counter : uint64_t {
  kEpoch = 1,
  kToken,
  kAccelerator,
  kSession,
  kJob,
  kLease,
  kAgent,
  kEvent,
  kOperation
};
struct CounterRow {
  uint64_t id = 0;  // a Counter
  uint64_t value = 0;
  bool operator==(const CounterRow&) const = default;
};

struct DropAccelerator {
  uint64_t id = 0;
};
struct DropSession {
  uint64_t id = 0;
};

using Change = std::variant<TokenRow, FlavorRow, AcceleratorRow, SessionRow, LeaseRow, AgentRow,
                            EventRow, OperationRow, CounterRow, DropAccelerator, DropSession>;

// fields(row): a tuple of references to its columns, for a const or a mutable row.
#define MOAI_FIELDS(Row, ...)                                  \
  inline auto fields(Row& r) { return std::tie(__VA_ARGS__); } \
  inline auto fields(const Row& r) { return std::tie(__VA_ARGS__); }

MOAI_FIELDS(TokenRow, r.id, r.description, r.hash, r.priority, r.admin, r.accelerators_max,
            r.devices_max, r.default_accelerator, r.revoked, r.created_ns)
MOAI_FIELDS(FlavorRow, r.id, r.position, r.name, r.devices, r.memory_bytes)
MOAI_FIELDS(AcceleratorRow, r.id, r.token_id, r.number, r.flavor_id)
MOAI_FIELDS(SessionRow, r.id, r.token_id, r.accelerator_id, r.job_id, r.flavor_id,
            r.own_accelerator, r.resume_hash, r.process.pid, r.process.command, r.process.hostname,
            r.process.user, r.process.client, r.opened_ns)
MOAI_FIELDS(LeaseRow, r.id, r.job_id, r.session_id, r.token_id, r.accelerator_id, r.accelerator,
            r.flavor_id, r.flavor, r.devices, r.priority, r.state, r.epoch, r.requested_ns,
            r.granted_ns, r.ended_ns, r.released_ns, r.cause, r.process.pid, r.process.command,
            r.process.hostname, r.process.user, r.process.client, r.workers)
MOAI_FIELDS(AgentRow, r.id, r.name, r.host, r.version, r.pid, r.self_fence_ms, r.devices)
MOAI_FIELDS(EventRow, r.id, r.time_ns, r.kind, r.subject, r.actor, r.cause)
MOAI_FIELDS(OperationRow, r.id, r.key, r.response, r.time_ns)
MOAI_FIELDS(CounterRow, r.id, r.value)
#undef MOAI_FIELDS

}  // namespace moai::control
