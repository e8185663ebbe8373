// The Worker's side of a link, spoken by hand.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "moai/comm/link/memory.h"
#include "moai/dispatch/messages.h"

namespace moai::driver {

class ScriptedWorker {
 public:
  explicit ScriptedWorker(size_t capacity_bytes = size_t{1} << 20) {
    std::tie(front_, link_) = comm::memory_link_pair(capacity_bytes);
  }

  // The front's end, once.
  std::unique_ptr<comm::Link> front() { return std::move(front_); }

  void say(const dispatch::Message& message) {
    std::string frame;
    dispatch::encode(message, &frame);
    say_bytes(frame);
  }
  void say_bytes(std::string_view frame) {
    EXPECT_EQ(link_->send({&frame, 1}, std::chrono::seconds(10)), ok_status());
  }
  Result<dispatch::Message> hear(std::chrono::milliseconds within = std::chrono::seconds(10)) {
    auto frame = link_->receive(std::chrono::steady_clock::now() + within, {});
    if (!frame.ok()) return frame.status();
    heard_bytes += frame->size();
    return dispatch::decode(*frame);
  }
  // The next message, which must be an M.
  template <class M>
  M expect() {
    auto message = hear();
    EXPECT_TRUE(message.ok()) << message.status().to_string();
    if (!message.ok()) return {};
    auto* m = std::get_if<M>(&*message);
    EXPECT_NE(m, nullptr) << "another message came, number " << message->index();
    return m ? std::move(*m) : M{};
  }
  void leave() { link_->close(); }

  uint64_t heard_bytes = 0;

 private:
  std::unique_ptr<comm::Link> front_, link_;
};

}  // namespace moai::driver
