// ScriptedAgent: agent "back01" over a real stream, without Workers.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "moai/rpc/client/stream.h"

namespace moai::control::testing {

// Answers orders like an agent whose Workers start and end at once, on a thread of its own.
class ScriptedAgent {
 public:
  ScriptedAgent(const std::shared_ptr<rpc::Channel>& channel, int devices)
      : stream_(rpc::attend(channel)) {
    v1::AgentUp up;
    v1::Register* me = up.mutable_register_();
    me->set_name("back01");
    me->set_host("127.0.0.1");
    me->set_self_fence_ms(600000);
    for (int i = 0; i < devices; ++i) {
      v1::Device* device = me->add_devices();
      device->set_index(static_cast<uint32_t>(i));
      device->set_kind("cpu");
      device->set_memory_bytes(uint64_t{1} << 30);
      device->set_simulated(true);
    }
    stream_->send(up).ignore("the stream's end shows in receive");
    thread_ = std::jthread([this](std::stop_token stop) { serve(stop); });
  }
  ~ScriptedAgent() {
    thread_.request_stop();
    thread_.join();
  }

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      const auto down =
          stream_->receive(std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
      if (!down.ok() && down.status().code() != Code::kDeadlineExceeded) return;
      v1::AgentUp up;
      if (down.ok() && down->has_start_worker()) {
        v1::WorkerReady* ready = up.mutable_worker_ready();
        ready->set_epoch(down->start_worker().epoch());
        ready->set_device(down->start_worker().device());
        ready->set_address("tcp:127.0.0.1:" + std::to_string(4000 + down->start_worker().device()));
        ready->set_pid(99);
      } else if (down.ok() && down->has_stop_worker()) {
        v1::WorkerEnded* ended = up.mutable_worker_ended();
        ended->set_epoch(down->stop_worker().epoch());
        ended->set_device(down->stop_worker().device());
        ended->set_evidence("exit code 0");
      } else {
        up.mutable_report();
      }
      stream_->send(up).ignore("the stream's end shows in receive");
    }
  }

  std::unique_ptr<rpc::AgentStream> stream_;
  std::jthread thread_;
};

}  // namespace moai::control::testing
