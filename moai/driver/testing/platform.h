// A Worker over the fake device within this process, and a Connector that leads an Engine to it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "moai/base/log.h"
#include "moai/comm/link/memory.h"
#include "moai/device/fake/fake_device.h"
#include "moai/driver/engine.h"
#include "moai/driver/lease/connector.h"
#include "moai/worker/serve/worker.h"
#include "moai/worker/testing/memory_listener.h"

namespace moai::driver {

// Holds calls of fake::sleep while it is shut.
class Gate {
 public:
  void pass(std::string_view op) {
    if (op != "fake::sleep") return;
    std::unique_lock lock(mutex_);
    ++waited_;
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::seconds(30), [&] { return open_; });
  }
  void open() { set(true); }
  void shut() { set(false); }
  // Waits until a call has come to the gate.
  bool is_reached() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return waited_ > 0; });
  }

 private:
  void set(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = true;  // guarded by mutex_
  int waited_ = 0;    // guarded by mutex_
};

class Platform {
 public:
  explicit Platform(uint64_t credit_bytes = 1 << 20, const std::string& socket_address = {}) {
    set_log_level(LogLevel::kOff);
    worker::WorkerOptions options;
    options.identity = {.epoch = 7,
                        .secret = std::string(dispatch::kSecretBytes, 's'),
                        .name = "worker 0 on here",
                        .device_kind = "cpu",
                        .torch_version = "2.13.0",
                        .memory_bytes = 1 << 30,
                        .credit_bytes = credit_bytes};
    options.connection.ping = std::chrono::milliseconds(50);
    std::unique_ptr<comm::Listener> listener = std::make_unique<worker::MemoryListener>(door);
    if (!socket_address.empty()) {
      auto socket = comm::listen(socket_address);
      EXPECT_TRUE(socket.ok()) << socket.status().to_string();
      listener = std::move(*socket);
      address_ = listener->address();
    }
    worker_ = std::make_unique<worker::Worker>(options, std::move(listener), device.get());
    thread_ = std::thread([this] { worker_->run(); });
  }
  ~Platform() {
    gate.open();
    stop("the test is over");
    thread_.join();
    set_log_level(LogLevel::kInfo);
  }

  void stop(const std::string& why) { worker_->stop(why); }
  // Lets connect() wait for a lease until it is granted.
  void withhold() { granted = false; }
  void end_lease(const Status& why) { ended(why); }
  MakeConnector connector();

  Result<Connected> connect(const std::function<bool()>& stopped) {
    ++connects;
    while (!granted) {
      if (stopped()) return cancelled("stopped");
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    if (!refusal.ok()) return refusal;
    ConnectedWorker worker;
    if (dial) {
      worker.link = dial();
    } else if (address_.empty()) {
      worker.link = door->connect();
    } else {
      MOAI_ASSIGN_OR_RETURN(worker.link, comm::connect(address_, std::chrono::steady_clock::now() +
                                                                     std::chrono::seconds(5)));
    }
    worker.hello.secret = secret;
    worker.hello.epoch = 7;
    worker.hello.client = "pid 1 test";
    worker.hello.torch_version = "2.13.0";
    Connected connected;
    connected.workers.push_back(std::move(worker));
    connected.memory_bytes = 1 << 30;
    return connected;
  }

  Gate gate;
  std::unique_ptr<device::FakeDevice> device =
      device::make_fake_device({.on_call = [this](std::string_view op) { gate.pass(op); }});
  std::shared_ptr<worker::Door> door = std::make_shared<worker::Door>();
  // To be set before the first use.
  std::string secret = std::string(dispatch::kSecretBytes, 's');
  Status refusal;  // of the lease
  Status reason;   // why links break, as the platform knows it; OK: it knows nothing
  std::atomic<bool> granted{true};
  std::atomic<int> connects{0}, losses{0}, given_back{0};
  Ended ended;
  std::function<std::unique_ptr<comm::Link>()> dial;  // to another Worker than ours, if set

 private:
  std::string address_;
  std::unique_ptr<worker::Worker> worker_;
  std::thread thread_;
};

class PlatformConnector final : public Connector {
 public:
  explicit PlatformConnector(Platform* platform) : platform_(*platform) {}
  Result<Connected> connect(const std::function<bool()>& stopped) override {
    return platform_.connect(stopped);
  }
  Status lost(size_t, const Status& how) override {
    ++platform_.losses;
    return platform_.reason.ok() ? how : platform_.reason;
  }
  void give_back() override { ++platform_.given_back; }
  void close_copy() override {}

 private:
  Platform& platform_;  // outlives this
};

inline MakeConnector Platform::connector() {
  return [this](Ended on_end) {
    ended = std::move(on_end);
    return std::make_unique<PlatformConnector>(this);
  };
}

}  // namespace moai::driver
