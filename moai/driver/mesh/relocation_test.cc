#include "moai/driver/mesh/relocation.h"

#include <gtest/gtest.h>

#include "moai/driver/testing/scripted_worker.h"

namespace moai::driver {
namespace {

using compiler::split_at;
using compiler::StorageLayout;

// Eight rows of four bytes on two ranks: along dp before, along tp afterwards.
StorageLayout rows() { return {tensor::DType::kUInt8, {8, 4}, {split_at(0)}}; }
StorageLayout columns() { return {tensor::DType::kUInt8, {8, 4}, {split_at(1)}}; }

class RelocationTest : public testing::Test {
 protected:
  RelocationTest() {
    for (size_t rank = 0; rank < 2; ++rank) {
      ranks_.push_back(std::make_unique<RankLink>(workers_[rank].front(), dispatch::Welcome{},
                                                  "rank " + std::to_string(rank), &signatures_));
    }
    for (const StorageId id : {1, 2, 3}) lies(id, id == 3 ? StorageLayout{} : rows());
    storages_.hold(4, "held");
    window_.alloc(1, 32);
  }
  void lies(StorageId id, const StorageLayout& layout) {
    storages_.made(id, 32);
    storages_.find(id)->state.layout = layout;
  }
  StorageLayout layout(StorageId id) { return storages_.state(id)->layout; }
  // Storages that messages to the first rank are about, in order.
  std::vector<StorageId> moved() {
    std::vector<StorageId> ids;
    for (; !queue_.empty(); queue_.pop()) {
      const auto& [rank, message] = queue_.front();
      const program::Program& p = std::get<dispatch::Run>(message).program;
      if (rank == 0) ids.push_back(p.places_of(p.instructions[0])[0]);
    }
    return ids;
  }

  ScriptedWorker workers_[2];
  graph::SignatureTable signatures_;
  Ranks ranks_;
  RankQueue queue_{&ranks_};
  Storages storages_;
  compiler::Mesh before_{{{"dp", 2}}};
  const compiler::Mesh after_{{{"tp", 2}}};
  std::atomic<StorageId> next_{100};
  Shards shards_{&before_, &storages_, &queue_, &signatures_, &next_};
  graph::Window window_;  // uses storage 1
};

TEST_F(RelocationTest, WhatTheWindowUsesLiesAsItWantsAndTheRestStaysSplit) {
  Relocation r(&storages_, &before_, &after_, window_);
  EXPECT_EQ(layout(1), StorageLayout{}) << "whole, for who plans";
  r.want(1, columns());
  r.want(4, columns());
  r.run(&shards_);
  EXPECT_EQ(moved(), std::vector<StorageId>{1});
  EXPECT_EQ(layout(1), columns());
  EXPECT_EQ(layout(2), rows()) << "along the other axis, of which the ranks are the same";
  EXPECT_EQ(layout(3), StorageLayout{});
  EXPECT_TRUE(storages_.state(4)->free) << "what waits here moves with its first use";
}

TEST_F(RelocationTest, WhatWasWholeIsCutWhereThePlanWantsIt) {
  window_.alloc(3, 32);
  Relocation r(&storages_, &before_, &after_, window_);
  r.want(3, rows());
  r.run(&shards_);
  EXPECT_EQ(moved(), (std::vector<StorageId>{1, 3}));
}

TEST_F(RelocationTest, AllIsAsItWasWhereItIsGivenUp) {
  {
    Relocation r(&storages_, &before_, &after_, window_);
    r.want(1, columns());
    r.want(3, columns());
    r.undo();
  }
  EXPECT_EQ(moved(), std::vector<StorageId>{});
  EXPECT_EQ(layout(1), rows());
  EXPECT_EQ(layout(2), rows());
  EXPECT_EQ(layout(3), StorageLayout{});
}

TEST_F(RelocationTest, TellsWhatARankNeedsMeanwhile) {
  const Relocation r(&storages_, &before_, &after_, window_);
  // Storage 1 becomes whole, 2 stays a half, 3 is whole; and one storage is moved at a time.
  EXPECT_EQ(r.rank_bytes(), 32 + 16 + 32 + 3 * 32u);
}

}  // namespace
}  // namespace moai::driver
