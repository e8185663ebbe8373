#include "moai/worker/exec/unread.h"

#include <gmock/gmock.h>

#include "moai/worker/testing/front.h"

namespace moai::worker {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class UnreadTest : public testing::Test {
 protected:
  graph::SignatureId define(const std::string& text) {
    return signatures_.intern(signature_of(text));
  }
  std::vector<uint32_t> found(const ProgramBuilder& program) {
    unread_ = find_unread(program.get(), signatures_);
    std::vector<uint32_t> at;
    for (const UnreadCall& call : unread_) at.push_back(call.at);
    return at;
  }
  std::vector<uint32_t> chosen(uint32_t begin, uint32_t end,
                               std::vector<dispatch::Release> releases, double word = 1) {
    const std::vector<graph::StorageId> bound = {100, 101, 102, 103, 104, 105};
    std::vector<uint32_t> at;
    const std::vector<uint64_t> words(end - begin, word_of(word));
    choose_unread(unread_,
                  {.begin = begin, .end = end, .words = words, .releases = std::move(releases)},
                  bound, begin, &at);
    return at;
  }

  graph::SignatureTable signatures_;
  std::vector<UnreadCall> unread_;
  const graph::SignatureId add_ = define("aten::add.Tensor(f32[2], f32[2], word) -> f32[2]");
  const graph::SignatureId add_to_ = define("aten::add_.Tensor(f32[2]!, f32[2], word) -> _");
  const graph::SignatureId take_ = define("aten::index_select(f32[2], 0, i64[2]) -> f32[2]");
};

TEST_F(UnreadTest, ACallIsUnreadWhenOnlyUnreadCallsReadIt) {
  const auto program = ProgramBuilder(true)
                           .call(add_, {0, 1, 2}, {0})  // read by the one below alone
                           .call(add_, {2, 2, 3}, {0})  // read by nothing
                           .call(add_, {0, 0, 4}, {0})  // read by what writes
                           .call(add_to_, {1, 4}, {0});
  EXPECT_THAT(found(program), ElementsAre(0, 1));
  EXPECT_THAT(unread_[0].readers, ElementsAre(1, 1));
  EXPECT_THAT(unread_[0].made, ElementsAre(2));
  EXPECT_THAT(unread_[1].readers, IsEmpty());
}

TEST_F(UnreadTest, WhatMayFailForAValueOrIsChangedLaterRuns) {
  EXPECT_THAT(found(ProgramBuilder(true).call(take_, {0, 1, 2})), IsEmpty());
  EXPECT_THAT(found(ProgramBuilder(true).call(add_, {0, 1, 2}, {0}).resize(2, 64)), IsEmpty());
  EXPECT_THAT(found(ProgramBuilder(true).call(add_, {0, 1, 2}, {0}).call(take_, {2, 1, 3})),
              IsEmpty());
}

TEST_F(UnreadTest, ACallIsLeftOutWhenAllItMakesAndAllItsReadersGoInTheSameRun) {
  found(ProgramBuilder(true)
            .call(add_, {0, 1, 2}, {0})
            .call(add_, {2, 2, 3}, {0})
            .call(add_, {0, 0, 4}, {0}));
  EXPECT_THAT(chosen(0, 3, {{2, 102}, {3, 103}, {3, 104}}), ElementsAre(0, 1, 2));
  EXPECT_THAT(chosen(0, 3, {{2, 102}, {3, 104}}), ElementsAre(2)) << "103 is kept";
  EXPECT_THAT(chosen(0, 3, {{3, 103}}), ElementsAre(1)) << "102 is kept";
  EXPECT_THAT(chosen(0, 1, {{1, 102}}), IsEmpty()) << "its reader comes in another run";
  EXPECT_THAT(chosen(1, 3, {{3, 103}}), ElementsAre(1));
  EXPECT_THAT(chosen(0, 3, {}), IsEmpty());
  EXPECT_THAT(chosen(0, 3, {{3, 103}}, 1e300), IsEmpty()) << "a scalar that may not fit";
}

TEST_F(UnreadTest, AStorageThatIsMadeAnewIsNotReleasedByWhatCameBefore) {
  found(ProgramBuilder(true).call(add_, {0, 1, 2}, {0}).call(add_, {0, 1, 3}, {0}));
  EXPECT_THAT(chosen(0, 2, {{0, 102}, {1, 103}}), IsEmpty());
  EXPECT_THAT(chosen(0, 2, {{0, 102}, {1, 102}, {1, 103}, {2, 103}}), ElementsAre(0, 1));
}

// A hostile program could otherwise make one slot often that is read often.
TEST_F(UnreadTest, WhatVeryManyReadIsNotFollowed) {
  for (const auto& [readers, first] : {std::pair(32, 0u), std::pair(33, 1u)}) {  // twice by each
    ProgramBuilder program(true);
    program.call(add_, {0, 1, 2}, {0});
    for (uint64_t i = 0; i < static_cast<uint64_t>(readers); ++i) {
      program.call(add_, {2, 2, 3 + i}, {0});
    }
    EXPECT_EQ(found(program).front(), first);
  }
}

TEST_F(UnreadTest, NothingIsChosenWhereLookingWouldTakeLong) {
  ProgramBuilder program(true);
  for (int i = 0; i < 4; ++i) program.call(add_, {0, 1, static_cast<uint64_t>(2 + i)}, {0});
  EXPECT_THAT(found(program), ElementsAre(0, 1, 2, 3));
  std::vector<dispatch::Release> releases = {{4, 102}};
  EXPECT_THAT(chosen(0, 4, releases), ElementsAre(0));
  for (graph::StorageId id = 1000; id < 6000; ++id) releases.push_back({4, id});
  EXPECT_THAT(chosen(0, 4, releases), IsEmpty());
}

}  // namespace
}  // namespace moai::worker
