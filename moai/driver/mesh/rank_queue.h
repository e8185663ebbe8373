// RankQueue: messages to the ranks in the order in which they leave.
//
// What ranks do together is queued for all of them next to each other: so a rank that waits for
// another, with its credit used up, waits for what was sent already. Of the sending thread.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "moai/compiler/compile.h"
#include "moai/driver/mesh/rank_link.h"

namespace moai::driver {

using Ranks = std::vector<std::unique_ptr<RankLink>>;

class RankQueue {
 public:
  explicit RankQueue(Ranks* ranks) : ranks_(*ranks) {}

  void push(size_t rank, dispatch::Message message) {
    queue_.emplace_back(rank, std::move(message));
  }
  template <class M>
  void push_all(const M& message) {
    for (size_t rank = 0; rank < ranks_.size(); ++rank) push(rank, message);
  }
  // Calls that are none of the script's.
  void run(size_t rank, graph::Window window) {
    const auto calls = static_cast<uint64_t>(
        std::ranges::count(window.nodes, graph::NodeKind::kCall, &graph::Node::kind));
    const uint64_t first = ranks_[rank]->pass(0, {}, calls);
    push(rank, dispatch::Run{first, compiler::lower_streamed(std::move(window))});
  }

  bool empty() const { return queue_.empty(); }
  const std::pair<size_t, dispatch::Message>& front() const { return queue_.front(); }
  void pop() { queue_.pop_front(); }

 private:
  Ranks& ranks_;
  std::deque<std::pair<size_t, dispatch::Message>> queue_;
};

}  // namespace moai::driver
