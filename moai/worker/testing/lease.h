// Workers of one lease within the process of a test, on sockets of their own.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "moai/base/log.h"
#include "moai/base/testing/temporary_directory.h"
#include "moai/device/fake/fake_device.h"
#include "moai/worker/serve/worker.h"
#include "moai/worker/testing/front.h"
#include "moai/worker/testing/host_queue.h"

namespace moai::worker {

class Lease {
 public:
  ~Lease() {
    for (size_t rank = 0; rank < members_.size(); ++rank) stop(static_cast<uint32_t>(rank));
  }

  // Of Workers to come: what they show and trust at "tls:", and how their groups wait.
  comm::TlsOptions tls{};
  comm::GroupOptions groups = kMeshGroups;
  // They are accelerators that reach each other.
  bool direct = false;

  void make(uint32_t ranks) {
    members_.resize(ranks);
    for (uint32_t rank = 0; rank < ranks; ++rank) add(rank, ranks);
  }
  void add(uint32_t rank, uint32_t ranks, char secret = 'g') {
    members_.resize(std::max<size_t>(members_.size(), ranks));
    WorkerOptions options;
    options.identity = {.epoch = 7,
                        .secret = std::string(dispatch::kSecretBytes, 's'),
                        .name = "worker " + std::to_string(rank),
                        .device_kind = "cpu",
                        .torch_version = "2.13.0",
                        .rank = rank,
                        .ranks = ranks,
                        .group_secret = std::string(dispatch::kSecretBytes, secret)};
    options.connection.groups = groups;
    Member& member = members_[rank];
    member.queue = std::make_unique<HostQueue>("fake:" + std::to_string(rank), nullptr);
    member.streamed = std::make_unique<StreamedDevice>(member.device.get(), member.queue.get());
    if (direct) options.connection.nccl = nccl_setup(member.queue.get(), comm::test_nccl_file());
    options.ca = tls.ca;
    const bool encrypted = !tls.certificate.empty();
    auto listener = comm::listen(
        encrypted ? "tls:127.0.0.1:0" : "unix:" + folder_.path() + "/w" + std::to_string(rank),
        {.ca = {}, .certificate = tls.certificate, .key = tls.key, .peer_name = {}});
    ASSERT_TRUE(listener.ok()) << listener.status().to_string();
    device::Device* device = member.device.get();
    if (direct) device = member.streamed.get();
    member.worker = std::make_unique<Worker>(std::move(options), std::move(*listener), device);
    member.thread = std::thread([worker = member.worker.get()] { worker->run(); });
  }
  // Where each is, on hosts that can share memory where their names are equal and not empty.
  std::vector<identity::Peer> peers(const std::string& host = "here") const {
    std::vector<identity::Peer> all;
    for (const Member& member : members_) all.push_back({member.worker->address(), host});
    return all;
  }
  void introduce(const std::string& host = "here") {
    for (Member& member : members_) {
      ASSERT_EQ(member.worker->peers().introduce(peers(host)), ok_status());
    }
  }
  Peers& of(uint32_t rank) { return members_[rank].worker->peers(); }
  void stop(uint32_t rank, const std::string& why = "the test is over") {
    Member& member = members_[rank];
    if (member.worker) member.worker->stop(why);
    if (member.thread.joinable()) member.thread.join();
  }

  // An admitted front of a Worker, once the one before has left.
  std::unique_ptr<Front> front(uint32_t rank) {
    for (int i = 0; i < 500; ++i) {
      auto link = comm::connect(members_[rank].worker->address(),
                                std::chrono::steady_clock::now() + std::chrono::seconds(20));
      EXPECT_TRUE(link.ok()) << link.status().to_string();
      if (!link.ok()) return nullptr;
      auto front = std::make_unique<Front>(std::move(*link));
      EXPECT_EQ(front->send(dispatch::Hello{.secret = std::string(dispatch::kSecretBytes, 's'),
                                            .epoch = 7,
                                            .client = "a test",
                                            .torch_version = "2.13.0"}),
                ok_status());
      const auto answer = front->receive();
      if (answer.ok() && std::holds_alternative<dispatch::Welcome>(*answer)) return front;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    ADD_FAILURE() << "never admitted";
    return nullptr;
  }
  std::vector<std::unique_ptr<Front>> fronts() {
    std::vector<std::unique_ptr<Front>> all;
    for (uint32_t rank = 0; rank < members_.size(); ++rank) all.push_back(front(rank));
    return all;
  }

 private:
  struct Member {
    std::unique_ptr<device::FakeDevice> device = device::make_fake_device({});
    std::unique_ptr<HostQueue> queue;
    std::unique_ptr<StreamedDevice> streamed;
    std::unique_ptr<Worker> worker;
    std::thread thread;
  };

  TemporaryDirectory folder_;
  std::vector<Member> members_;
};

}  // namespace moai::worker
