// CountedStore: another Store, with its transactions counted.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <utility>
#include <vector>

#include "moai/control/store/store.h"

namespace moai::control::testing {

// Counts the transactions, and in them the leases whose devices are free again.
class CountedStore final : public Store {
 public:
  explicit CountedStore(std::unique_ptr<Store> store) : store_(std::move(store)) {}
  Status commit(std::span<const Change> changes) override {
    MOAI_RETURN_IF_ERROR(store_->commit(changes));
    ++commits;
    for (const Change& change : changes) {
      const auto* lease = std::get_if<LeaseRow>(&change);
      if (!lease || !lease->released_ns) continue;
      released_at = std::chrono::steady_clock::now();
      ++released;
    }
    return ok_status();
  }
  Result<Snapshot> load() override { return store_->load(); }
  Result<std::vector<EventRow>> events(uint64_t after, uint32_t limit) override {
    return store_->events(after, limit);
  }
  Result<std::vector<EventRow>> newest_events(uint32_t limit) override {
    return store_->newest_events(limit);
  }
  Result<std::vector<LeaseRow>> history(uint64_t token, uint32_t limit) override {
    return store_->history(token, limit);
  }
  Status prune_operations(int64_t before) override { return store_->prune_operations(before); }

  std::atomic<uint64_t> commits{0}, released{0};
  std::atomic<std::chrono::steady_clock::time_point> released_at{};

 private:
  std::unique_ptr<Store> store_;
};

}  // namespace moai::control::testing
