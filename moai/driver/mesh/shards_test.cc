#include "moai/driver/mesh/shards.h"

#include <gtest/gtest.h>

#include "moai/driver/testing/scripted_worker.h"

namespace moai::driver {
namespace {

using compiler::StorageLayout;

// Three rows of four bytes each, of which rank 0 has two.
StorageLayout rows() { return {tensor::DType::kUInt8, {3, 4}, {compiler::split_at(0)}}; }
StorageLayout columns() { return {tensor::DType::kUInt8, {3, 4}, {compiler::split_at(1)}}; }
constexpr std::string_view kBytes = "abcdefghijkl";

class ShardsTest : public testing::Test {
 protected:
  ShardsTest() {
    for (size_t rank = 0; rank < 2; ++rank) {
      ranks_.push_back(std::make_unique<RankLink>(workers_[rank].front(), dispatch::Welcome{},
                                                  "rank " + std::to_string(rank), &signatures_));
    }
  }
  void hold() { storages_.hold(7, std::string(kBytes)); }
  void lies(const StorageLayout& layout) {
    hold();
    shards_.place(7, layout);
    queued();
  }
  // What waits for the ranks, a line a message.
  std::string queued() {
    std::string text;
    for (; !queue_.empty(); queue_.pop()) {
      const auto& [rank, message] = queue_.front();
      text += std::to_string(rank) + ": ";
      if (const auto* u = std::get_if<dispatch::Upload>(&message)) {
        text += "upload " + u->bytes + " at " + std::to_string(u->offset) + " of " +
                std::to_string(u->storage_bytes) + "\n";
      } else if (const auto* r = std::get_if<dispatch::Run>(&message)) {
        text += "run\n" + program::print(r->program, signatures_);
      }
    }
    return text;
  }
  // The bytes of a range, from ranks that have `parts`.
  std::string read(uint64_t offset, uint64_t size, const std::vector<std::string>& parts) {
    std::vector<dispatch::Read> reads(2);
    std::vector<Gathering::Copy> copies;
    shards_.read({7, offset, size}, 0, &reads, &copies);
    asked_ = reads[0].ranges.size() + 2 * reads[1].ranges.size();
    std::string out(size, '?');
    for (const Gathering::Copy& c : copies) {
      const dispatch::ReadRange& range = reads[c.rank].ranges[c.rank_range];
      const std::string answer = parts[c.rank].substr(range.offset, range.size);
      out.replace(c.to, c.size, answer, c.from, c.size);
    }
    return out;
  }

  ScriptedWorker workers_[2];
  graph::SignatureTable signatures_;
  Ranks ranks_;
  RankQueue queue_{&ranks_};
  Storages storages_;
  compiler::Mesh mesh_{{{"dp", 2}}};
  std::atomic<StorageId> next_{100};
  Shards shards_{&mesh_, &storages_, &queue_, &signatures_, &next_};
  size_t asked_ = 0;  // ranks of the last read, as bits
};

TEST_F(ShardsTest, WhatWasUploadedLeavesInParts) {
  hold();
  EXPECT_EQ(storages_.held_bytes(), 12u);
  shards_.place(7, rows());
  EXPECT_EQ(queued(), "0: upload abcdefgh at 0 of 8\n1: upload ijkl at 0 of 4\n");
  EXPECT_EQ(storages_.held_bytes(), 0u);
  shards_.place(7, rows());
  EXPECT_EQ(queued(), "") << "it lies so";
}

TEST_F(ShardsTest, PartsOfARowAreGathered) {
  hold();
  shards_.place(7, columns());
  EXPECT_EQ(queued(), "0: upload abefij at 0 of 6\n1: upload cdghkl at 0 of 6\n");
}

TEST_F(ShardsTest, WhatIsNotKnownLiesWhole) {
  shards_.place(9, rows());
  EXPECT_EQ(queued(), "");
}

TEST_F(ShardsTest, ARangeIsWrittenWhereItLies) {
  lies(rows());
  shards_.write(7, 12, 6, "XYZ");
  EXPECT_EQ(queued(), "0: upload XY at 6 of 8\n1: upload Z at 0 of 4\n");
  shards_.write(7, 12, 9, "Q");
  EXPECT_EQ(queued(), "1: upload Q at 1 of 4\n");
}

TEST_F(ShardsTest, ARangeIsReadFromWhoHasIt) {
  lies(columns());
  const std::vector<std::string> parts = {"abefij", "cdghkl"};
  EXPECT_EQ(read(0, 12, parts), kBytes);
  EXPECT_EQ(asked_, 3u);
  EXPECT_EQ(read(3, 6, parts), "defghi");
  EXPECT_EQ(read(4, 2, parts), "ef");
  EXPECT_EQ(asked_, 1u) << "rank 1 has nothing of it";
}

TEST_F(ShardsTest, WhatAllHaveIsReadFromOne) {
  lies({});
  EXPECT_EQ(read(2, 5, {std::string(kBytes), "?"}), "cdefg");
  EXPECT_EQ(asked_, 1u);
}

TEST_F(ShardsTest, ALayoutBecomesAnother) {
  lies(rows());
  shards_.place(7, columns());
  EXPECT_EQ(queued(),
            "0: run\n"
            "s100 = moai::all_gather(u8[1,2,4] s7, 1, [2,1], 0) -> u8[1,3,4]\n"
            "s101 = aten::clone(u8[3,2,1]{4,1,1} s100, none) -> u8[3,2,1]\n"
            "free s100\n"
            "free s7\n"
            "alloc s7 6\n"
            "aten::copy_(u8[6]! s7, u8[6] s101, false) -> _\n"
            "free s101\n"
            "1: run\n"
            "s100 = moai::all_gather(u8[1,1,4] s7, 1, [2,1], 0) -> u8[1,3,4]\n"
            "s101 = aten::clone(u8[3,2,1]{4,1,1}+2 s100, none) -> u8[3,2,1]\n"
            "free s100\n"
            "free s7\n"
            "alloc s7 6\n"
            "aten::copy_(u8[6]! s7, u8[6] s101, false) -> _\n"
            "free s101\n");
  EXPECT_EQ(storages_.find(7)->state.layout, columns());
}

// Half an element is nobody's.
TEST_F(ShardsTest, WhatIsWrittenAcrossElementsMakesTheStorageWhole) {
  lies({tensor::DType::kInt32, {3}, {compiler::split_at(0)}});
  shards_.write(7, 12, 2, "XY");
  const std::string text = queued();
  EXPECT_NE(text.find("moai::all_gather(i32[1,2,1] s7"), std::string::npos) << text;
  EXPECT_NE(text.find("1: upload XY at 2 of 12"), std::string::npos) << text;
}

// Two stages.
class StagedShardsTest : public ShardsTest {
 protected:
  StagedShardsTest() { mesh_.axes[0].name = compiler::kStageAxis; }
  static StorageLayout at(uint32_t stage) {
    return {tensor::DType::kUInt8, {3, 4}, {compiler::at_stage(stage)}};
  }
};

TEST_F(StagedShardsTest, OneStageHasIt) {
  hold();
  shards_.place(7, at(1));
  EXPECT_EQ(queued(), "1: upload abcdefghijkl at 0 of 12\n");
  shards_.write(7, 12, 6, "XYZ");
  EXPECT_EQ(queued(), "1: upload XYZ at 6 of 12\n");
  EXPECT_EQ(read(2, 5, {"", std::string(kBytes)}), "cdefg");
  EXPECT_EQ(asked_, 2u);
}

TEST_F(StagedShardsTest, ItGoesToAnother) {
  lies(at(1));
  shards_.place(7, at(0));
  EXPECT_EQ(queued(),
            "0: run\n"
            "s100 = moai::receive(1, 0) -> u8[12]\n"
            "alloc s7 12\n"
            "aten::copy_(u8[12]! s7, u8[12] s100, false) -> _\n"
            "free s100\n"
            "1: run\n"
            "moai::send(u8[12] s7, 0, 0) -> _\n"
            "free s7\n");
}

TEST_F(StagedShardsTest, ItGoesToAllAndBack) {
  lies(at(1));
  shards_.place(7, {});
  EXPECT_EQ(queued(),
            "0: run\n"
            "s100 = moai::broadcast(1, 0) -> u8[12]\n"
            "alloc s7 12\n"
            "aten::copy_(u8[12]! s7, u8[12] s100, false) -> _\n"
            "free s100\n"
            "1: run\n"
            "moai::broadcast(u8[12] s7, 1, 0) -> _\n");
  shards_.place(7, at(0));
  EXPECT_EQ(queued(), "1: run\nfree s7\n");
}

}  // namespace
}  // namespace moai::driver
