// A front for tests of the Worker: sends messages over a link, collects what comes back.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "moai/comm/link/link.h"
#include "moai/dispatch/messages.h"
#include "moai/graph/signature_table.h"
#include "moai/worker/exec/replies.h"

namespace moai::worker {

using graph::StorageId;

inline uint64_t word_of(double value) { return std::bit_cast<uint64_t>(value); }

inline ops::CallSignature signature_of(const std::string& text) {
  const auto signature = ops::call_signature_from_string(text);
  EXPECT_TRUE(signature) << text;
  return signature.value_or(ops::CallSignature{});
}

inline std::string bytes_of(const std::vector<double>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * 8};
}
inline std::vector<double> doubles_of(const std::string& bytes) {
  std::vector<double> values(bytes.size() / 8);
  std::memcpy(values.data(), bytes.data(), values.size() * 8);
  return values;
}

// Builds programs: call(), alloc() … append an instruction.
class ProgramBuilder {
 public:
  explicit ProgramBuilder(bool is_template = false) { program_.is_template = is_template; }

  ProgramBuilder& call(graph::SignatureId signature, std::vector<uint64_t> places,
                       std::vector<uint64_t> words = {}) {
    return add(graph::NodeKind::kCall, signature, places, words);
  }
  ProgramBuilder& alloc(uint64_t place, uint64_t bytes) {
    return add(graph::NodeKind::kAlloc, 0, {place}, {bytes});
  }
  ProgramBuilder& resize(uint64_t place, uint64_t bytes) {
    return add(graph::NodeKind::kResize, 0, {place}, {bytes});
  }
  ProgramBuilder& free(uint64_t place) { return add(graph::NodeKind::kFree, 0, {place}, {}); }
  const program::Program& get() const { return program_; }

 private:
  ProgramBuilder& add(graph::NodeKind kind, graph::SignatureId signature,
                      const std::vector<uint64_t>& places, const std::vector<uint64_t>& words) {
    program_.instructions.push_back({.kind = kind,
                                     .signature = signature,
                                     .places_begin = static_cast<uint32_t>(program_.places.size()),
                                     .places_count = static_cast<uint32_t>(places.size()),
                                     .words_begin = word_count_,
                                     .words_count = static_cast<uint32_t>(words.size())});
    program_.places.insert(program_.places.end(), places.begin(), places.end());
    word_count_ += static_cast<uint32_t>(words.size());
    if (!program_.is_template) {
      program_.words.insert(program_.words.end(), words.begin(), words.end());
      return *this;
    }
    for (uint64_t slot : places) {
      program_.slot_count = std::max(program_.slot_count, static_cast<uint32_t>(slot + 1));
    }
    return *this;
  }

  program::Program program_;
  uint32_t word_count_ = 0;
};

// Keeps what an Executor replies.
class KeptReplies final : public Replies {
 public:
  void send(const dispatch::Message& message) override { messages.push_back(message); }
  void send_data(dispatch::RequestId request, uint32_t range, std::string_view bytes) override {
    messages.push_back(dispatch::Data{request, range, std::string(bytes)});
  }
  // The messages of one type, in order.
  template <class M>
  std::vector<M> all() const {
    std::vector<M> found;
    for (const auto& message : messages) {
      if (const auto* m = std::get_if<M>(&message)) found.push_back(*m);
    }
    return found;
  }
  template <class M>
  M last() const {
    const auto found = all<M>();
    EXPECT_FALSE(found.empty());
    return found.empty() ? M{} : found.back();
  }

  std::vector<dispatch::Message> messages;
};

// The other end of a Worker's link.
class Front {
 public:
  explicit Front(std::unique_ptr<comm::Link> link) : link_(std::move(link)) {}

  Status send(const dispatch::Message& message) {
    std::string frame;
    dispatch::encode(message, &frame);
    return send_bytes(frame);
  }
  Status send_bytes(const std::string& frame) {
    sent_bytes += frame.size();
    const std::string_view parts[] = {frame};
    return link_->send(parts, std::chrono::seconds(10));
  }
  Result<dispatch::Message> receive(std::chrono::milliseconds within = std::chrono::seconds(20)) {
    auto frame = link_->receive(std::chrono::steady_clock::now() + within, {});
    if (!frame.ok()) return frame.status();
    return dispatch::decode(*frame);
  }
  // The next message of type M; others but credit and pings end the wait. Fails the test without.
  template <class M>
  M await() {
    for (;;) {
      auto message = receive();
      EXPECT_TRUE(message.ok()) << message.status().to_string();
      if (!message.ok()) return {};
      if (auto* m = std::get_if<M>(&*message)) return std::move(*m);
      if (auto* credit = std::get_if<dispatch::Credit>(&*message)) {
        credit_bytes += credit->bytes;
      } else if (std::holds_alternative<dispatch::Ping>(*message)) {
        ++pings;
      } else {
        ADD_FAILURE() << "another message came, number " << message->index();
        return {};
      }
    }
  }
  // True when the Worker has closed the link.
  bool is_closed() {
    for (;;) {
      auto message = receive(std::chrono::seconds(10));
      if (!message.ok()) return message.status().code() == Code::kUnavailable;
    }
  }
  comm::Link& link() { return *link_; }

  uint64_t sent_bytes = 0, credit_bytes = 0, pings = 0;

 private:
  std::unique_ptr<comm::Link> link_;
};

}  // namespace moai::worker
