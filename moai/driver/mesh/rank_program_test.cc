#include "moai/driver/mesh/rank_program.h"

#include <gtest/gtest.h>

#include "moai/driver/testing/replay.h"

namespace moai::driver {
namespace {

// Numbers 1 and 2 are of the window, 3 is temporary. The first word is the window's second one.
compiler::RankWindow rank_window() {
  compiler::RankWindow r;
  const uint64_t words[] = {0, 0, 0};
  r.window.call(5, std::vector<StorageId>{1, 2, 3}, {words, 2}, 1);
  r.window.free(1);
  r.window.call(6, std::vector<StorageId>{3, 0}, {}, 0);
  r.window.call(5, std::vector<StorageId>{3, 2, 2}, {words, 1}, 2);
  r.window.free(3);
  r.words = {{true, 1}, {false, 77}, {true, 0}};
  return r;
}

const std::vector<StorageId> kStorages = {0, 100, 200, 300};
const std::vector<uint64_t> kWords = {8, 9};

TEST(RankProgram, RunsOnTheStoragesAndWordsOfThisTime) {
  const RankProgram p = make_rank_program(rank_window());
  Replay once;
  once.take({bind_once(p, 1, kStorages, kWords)});
  EXPECT_EQ(once.error, "");
  EXPECT_EQ(once.lines, (std::vector<std::string>{"call 5 [100 200 300 ] [9 77 ]", "free 100",
                                                  "call 6 [300 0 ] []",
                                                  "call 5 [300 200 200 ] [8 ]", "free 300"}));
  EXPECT_EQ(once.next_sequence, 4u);
}

TEST(RankProgram, ATemplateOfItRunsTheSame) {
  const RankProgram p = make_rank_program(rank_window());
  Replay once, repeated;
  once.take({bind_once(p, 1, kStorages, kWords)});
  repeated.take(
      {dispatch::DefineTemplate{4, p.program}, bind_template(p, 4, 1, kStorages, kWords)});
  EXPECT_EQ(repeated.error, "");
  EXPECT_EQ(repeated.lines, once.lines);
}

TEST(RankProgram, KnowsWhichCallsAreTheScripts) {
  EXPECT_EQ(make_rank_program(rank_window()).calls, (std::vector<uint32_t>{1, 0, 2}));
}

}  // namespace
}  // namespace moai::driver
