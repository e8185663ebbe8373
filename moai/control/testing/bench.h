// Bench: a site on a MemoryStore with scripted connections and a clock that tests move. What the
// master's owner thread does, step by step and without threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "moai/control/lifecycle/accelerators.h"
#include "moai/control/lifecycle/leases.h"
#include "moai/control/scheduler/cycle.h"
#include "moai/control/services/agents.h"
#include "moai/control/services/calls.h"
#include "moai/control/services/sessions.h"
#include "moai/control/store/memory_store.h"
#include "moai/identity/token.h"

namespace moai::control::testing {

// Keeps what was sent.
template <class Down>
class FakeSender final : public rpc::Sender<Down> {
 public:
  bool send(Down message) override {
    if (ended) return false;
    if (!message.has_heartbeat()) messages.push_back(std::move(message));
    return true;
  }
  void finish(const Status& status) override {
    if (!ended) end = status;
    ended = true;
  }

  std::vector<Down> messages;  // without heartbeats
  bool ended = false;
  Status end;
};

struct Front {
  std::shared_ptr<SessionConnection> connection;
  std::shared_ptr<FakeSender<v1::SessionDown>> sender;

  const v1::SessionDown& last() const { return sender->messages.back(); }
  bool granted() const { return !sender->messages.empty() && last().has_granted(); }
  bool waiting() const { return !sender->messages.empty() && last().has_waiting(); }
  std::string cause() const {
    return waiting() ? last().waiting().cause() : last().ended().cause();
  }
  std::string resume() const { return sender->messages.front().opened().resume(); }
};

struct Back {
  std::shared_ptr<AgentConnection> connection;
  std::shared_ptr<FakeSender<v1::AgentDown>> sender;
  size_t read = 0;  // orders carried out so far
};

class Bench {
 public:
  explicit Bench(Options options = {}, MemoryStore* store = nullptr)
      : store_(store ? store : &own_store_), site(prepare(std::move(options)), store_) {
    site.now_ns = 1'000'000'000'000;
    site.steady_ns = site.started_steady_ns = 5'000'000'000;
    loaded = site.ledger.load();
    for (const auto& [id, lease] : site.ledger.leases())
      if (is_held(lease.state)) site.recovered.insert(id);
    seed_flavors(site);
    if (site.ledger.tokens().empty()) {
      token = make_token("one");
      admin = make_token("root", [](TokenRow& row) { row.admin = true; });
    }
    step();
  }

  // One batch of the owner: decide, commit, send. False when the commit failed.
  bool step() {
    run_cycle(site);
    const bool committed = site.ledger.commit().ok();
    for (const auto& message : site.prompt) message();
    site.prompt.clear();
    if (!committed) return false;
    for (const auto& message : site.outbox) message();
    site.outbox.clear();
    return true;
  }
  void pass(int64_t ms) {
    site.now_ns += ms * kNsPerMs;
    site.steady_ns += ms * kNsPerMs;
  }
  // The owner's tick.
  void tick() {
    tick_sessions(site);
    tick_agents(site);
    expire_starting(site);
    end_lost_links(site);
    step();
  }

  std::string make_token(const std::string& name, void (*change)(TokenRow&) = nullptr) {
    TokenRow row;
    row.description = name;
    if (change) change(row);
    const std::string secret = identity::make_token();
    make_token_row(site, secret, row, "test");
    return secret;
  }
  Access access(const std::string& secret) {
    rpc::Caller caller;
    caller.token = secret;
    return authorize(site, caller).value();
  }

  // ---- a front

  Front attach(const std::string& secret) {
    Front front{std::make_shared<SessionConnection>(),
                std::make_shared<FakeSender<v1::SessionDown>>()};
    front.connection->caller.token = secret;
    front.connection->sender = front.sender;
    return front;
  }
  void say(Front& front, const v1::SessionUp& up) {
    session_received(site, front.connection, up);
    step();
  }
  Front open(const std::string& secret, v1::Open request = {}) {
    Front front = attach(secret);
    if (request.client_version().empty()) request.set_client_version("0.1.0");
    if (request.command().empty()) request.set_command("python train.py");
    v1::SessionUp up;
    *up.mutable_open() = request;
    say(front, up);
    return front;
  }
  void acquire(Front& front) {
    v1::SessionUp up;
    up.mutable_acquire();
    say(front, up);
  }
  void give_back(Front& front) {
    v1::SessionUp up;
    up.mutable_give_back();
    say(front, up);
  }
  void lose_link(Front& front, const std::string& address, const std::string& text) {
    v1::SessionUp up;
    up.mutable_link_lost()->set_address(address);
    up.mutable_link_lost()->set_text(text);
    say(front, up);
  }
  void close(Front& front) {
    v1::SessionUp up;
    up.mutable_close();
    say(front, up);
  }
  void beat(Front& front) {
    v1::SessionUp up;
    up.mutable_heartbeat();
    say(front, up);
  }
  void break_stream(Front& front) {
    session_closed(site, front.connection, false);
    step();
  }

  // ---- an agent

  Back attend() {
    Back back{std::make_shared<AgentConnection>(), std::make_shared<FakeSender<v1::AgentDown>>()};
    back.connection->sender = back.sender;
    return back;
  }
  void say(Back& back, const v1::AgentUp& up) {
    agent_received(site, back.connection, up);
    step();
  }
  Back join(const std::string& name, int devices,
            const std::vector<v1::RunningWorker>& running = {},
            const std::string& host_id = "here") {
    Back back = attend();
    v1::AgentUp up;
    v1::Register* me = up.mutable_register_();
    me->set_name(name);
    me->set_host("10.0.0.1");
    me->set_self_fence_ms(600000);
    me->set_host_id(host_id);
    for (int i = 0; i < devices; ++i) {
      v1::Device* device = me->add_devices();
      device->set_index(static_cast<uint32_t>(i));
      device->set_memory_bytes(uint64_t{8} << 30);
    }
    for (const v1::RunningWorker& worker : running) *me->add_workers() = worker;
    say(back, up);
    return back;
  }
  void report(Back& back) {
    v1::AgentUp up;
    up.mutable_report();
    say(back, up);
  }
  void ready(Back& back, uint64_t epoch, uint32_t device) {
    v1::AgentUp up;
    up.mutable_worker_ready()->set_epoch(epoch);
    up.mutable_worker_ready()->set_device(device);
    up.mutable_worker_ready()->set_address("tcp:10.0.0.1:" + std::to_string(4000 + device));
    say(back, up);
  }
  void ended(Back& back, uint64_t epoch, uint32_t device, const std::string& evidence = "exit 0") {
    v1::AgentUp up;
    up.mutable_worker_ended()->set_epoch(epoch);
    up.mutable_worker_ended()->set_device(device);
    up.mutable_worker_ended()->set_evidence(evidence);
    say(back, up);
  }
  void break_stream(Back& back) {
    agent_closed(site, back.connection);
    step();
  }
  // Carries out the orders that came since the last call: Workers start and end at once.
  void work(Back& back) {
    while (back.read < back.sender->messages.size()) {
      const v1::AgentDown order = back.sender->messages[back.read++];
      if (order.has_start_worker())
        ready(back, order.start_worker().epoch(), order.start_worker().device());
      if (order.has_stop_worker())
        ended(back, order.stop_worker().epoch(), order.stop_worker().device());
    }
  }

 private:
  static Options prepare(Options options) {
    options.version = "0.1.0";
    options.agents_need_certificate = false;
    return options;
  }
  MemoryStore own_store_;
  MemoryStore* store_;

 public:
  Site site;
  Status loaded;
  std::string token, admin;  // secrets
};

}  // namespace moai::control::testing
