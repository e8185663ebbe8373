#include "moai/agent/agent_loop.h"

#include <poll.h>

#include <algorithm>

#include "moai/base/log.h"
#include "moai/base/process.h"
#include "moai/rpc/client/stream_pump.h"

namespace moai::agent {
namespace {

using Pump = rpc::StreamPump<v1::AgentUp, v1::AgentDown>;

constexpr int64_t kWatchMasterMs = 500;
constexpr int64_t kGoodbyeMsMax = 500;

class Loop {
 public:
  Loop(Agent* agent, WorkerHost* host, AgentLoopOptions options)
      : agent_(agent), host_(host), options_(std::move(options)) {
    if (options_.exit_with_master_pid) {
      master_ = process_id(options_.exit_with_master_pid).value_or(ProcessId{});
    }
    connect(boot_time_ms());
  }

  void run() {
    while (!(stopping_ && agent_->idle())) {
      wait();
      const int64_t now = boot_time_ms();
      agent_->advance(now);
      if (options_.compiling) options_.compiling->advance();
      take_stream(now);
      keep_connected(now);
      watch_master(now);
      if (stop_readable_ && !stopping_) stop("the agent ends", now);
      send();
    }
    say_goodbye();
  }

 private:
  void wait();
  void connect(int64_t now);
  void take_stream(int64_t now);
  void lost(const Status& status, int64_t now);
  void keep_connected(int64_t now);
  void watch_master(int64_t now);
  void stop(const std::string& why, int64_t now);
  void send();
  void say_goodbye();

  Agent* agent_;
  WorkerHost* host_;
  AgentLoopOptions options_;
  std::unique_ptr<Pump> pump_;
  ProcessId master_;
  int64_t retry_at_ms_ = 0;  // 0: a stream is open
  int64_t retry_ms_ = 0;
  int64_t register_by_ms_ = 0;  // 0: registered
  int64_t alone_since_ms_ = 0;  // the master of the local platform is gone; 0: it is there
  bool was_attached_ = false;
  bool stop_readable_ = false;
  bool stopping_ = false;
};

void Loop::wait() {
  std::vector<pollfd> fds = host_->descriptors();
  if (pump_) fds.push_back({pump_->descriptor(), POLLIN, 0});
  if (!stop_readable_) fds.push_back({options_.stop.get(), POLLIN, 0});
  const int64_t now = boot_time_ms();
  int64_t wake = now + 60'000;
  for (int64_t at : {retry_at_ms_, register_by_ms_, agent_->next_deadline_ms().value_or(0)}) {
    if (at) wake = std::min(wake, at);
  }
  if (options_.exit_with_master_pid) wake = std::min(wake, now + kWatchMasterMs);
  const int timeout = static_cast<int>(std::max<int64_t>(wake - now, 0));
  if (::poll(fds.data(), fds.size(), timeout) < 0) return;
  for (const pollfd& fd : fds) {
    if (fd.fd == options_.stop.get() && fd.revents) stop_readable_ = true;
  }
}

void Loop::connect(int64_t now) {
  retry_at_ms_ = 0;
  register_by_ms_ = now + options_.register_ms_max;
  auto stream = options_.connect();
  if (!stream.ok()) return lost(stream.status(), now);
  pump_ = std::make_unique<Pump>(std::move(*stream));
  pump_->send(agent_->registration()).ignore("the end of the stream comes by take()");
}

void Loop::take_stream(int64_t now) {
  if (!pump_) return;
  for (auto& message : pump_->take()) {
    if (!message.ok()) return lost(message.status(), now);
    agent_->receive(*message, now);
    if (!agent_->attached() || was_attached_) continue;
    was_attached_ = true;
    retry_ms_ = register_by_ms_ = alone_since_ms_ = 0;
    log_info("Registered with SDAManager");
  }
}

void Loop::lost(const Status& status, int64_t now) {
  // One line a loss, not one an attempt.
  if (was_attached_ || retry_ms_ == 0) {
    log_warning("No connection to SDAManager: " + status.to_string());
  }
  was_attached_ = false;
  register_by_ms_ = 0;
  pump_.reset();
  agent_->detached();
  retry_ms_ = std::clamp(retry_ms_ * 2, options_.retry_ms_min, options_.retry_ms_max);
  retry_at_ms_ = now + retry_ms_;
}

void Loop::keep_connected(int64_t now) {
  if (register_by_ms_ && now >= register_by_ms_) {
    lost(deadline_exceeded("SDAManager did not answer the registration"), now);
  }
  if (retry_at_ms_ && now >= retry_at_ms_ && !stopping_) connect(now);
}

void Loop::watch_master(int64_t now) {
  if (!options_.exit_with_master_pid || stopping_) return;
  if (agent_->attached() || is_alive(master_)) {
    alone_since_ms_ = 0;
    return;
  }
  if (alone_since_ms_ == 0) alone_since_ms_ = now;
  if (agent_->idle() && now - alone_since_ms_ >= options_.exit_grace_ms) {
    stop("the local platform has ended", now);
  }
}

void Loop::stop(const std::string& why, int64_t now) {
  stopping_ = true;
  log_info("Ending: " + why);
  agent_->end_workers(why, now);
}

void Loop::send() {
  for (const v1::AgentUp& message : agent_->take_outgoing()) {
    if (!pump_) return;
    const Status status = pump_->send(message);
    if (!status.ok()) return;  // the end of the stream comes by take()
  }
}

// Waits until the master has read what was sent, as the end of the stream shows.
void Loop::say_goodbye() {
  if (!pump_) return;
  pump_->half_close();
  const int64_t deadline = boot_time_ms() + kGoodbyeMsMax;
  for (int64_t now = boot_time_ms(); now < deadline; now = boot_time_ms()) {
    pollfd fd{pump_->descriptor(), POLLIN, 0};
    if (::poll(&fd, 1, static_cast<int>(deadline - now)) < 0) continue;
    for (const auto& message : pump_->take()) {
      if (!message.ok()) return;
    }
  }
}

}  // namespace

void run_agent(Agent* agent, WorkerHost* host, AgentLoopOptions options) {
  Loop(agent, host, std::move(options)).run();
}

}  // namespace moai::agent
