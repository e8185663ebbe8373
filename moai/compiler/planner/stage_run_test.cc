#include "moai/compiler/planner/stage_run.h"

#include <gtest/gtest.h>

namespace moai::compiler {
namespace {

class StageRun : public testing::Test {
 protected:
  // Every call takes a second.
  void add(const std::string& text) {
    const auto window = graph::parse(text, &signatures_);
    ASSERT_TRUE(window.ok()) << window.status().to_string();
    windows_.push_back(*window);
    prices_.emplace_back(window->nodes.size(), cost::NodePrice{.seconds = 1, .exposed_s = 1});
  }
  Result<std::vector<StageTime>> run() const {
    std::vector<StageCalls> stages;
    for (size_t s = 0; s < windows_.size(); ++s) stages.push_back({&windows_[s], prices_[s]});
    return run_stages(stages, signatures_);
  }

  graph::SignatureTable signatures_;
  std::vector<graph::Window> windows_;
  std::vector<std::vector<cost::NodePrice>> prices_;
};

TEST_F(StageRun, AMessageIsThereWhenItsSenderIsOver) {
  add("s2 = aten::neg(f32[2] s1) -> f32[2]\n"
      "moai::send(f32[2] s2, 1, 0) -> _\n"
      "s3 = aten::neg(f32[2] s1) -> f32[2]\n");
  add("s5 = moai::receive(0, 0) -> f32[2]\n"
      "s6 = aten::neg(f32[2] s5) -> f32[2]\n");
  const auto times = run();
  ASSERT_TRUE(times.ok()) << times.status().to_string();
  EXPECT_EQ((*times)[0].end_s, 3);
  EXPECT_EQ((*times)[0].waited_s, 0);
  EXPECT_EQ((*times)[1].end_s, 3) << "a call, the message, a call";
  EXPECT_EQ((*times)[1].waited_s, 2);
  EXPECT_EQ((*times)[1].exposed_s, (std::vector<double>{2, 1}));
}

TEST_F(StageRun, ABroadcastIsWaitedForByAllOthers) {
  add("s5 = moai::broadcast(1, 0) -> f32[2]\n");
  add("s2 = aten::neg(f32[2] s1) -> f32[2]\n"
      "moai::broadcast(f32[2] s2, 1, 0) -> _\n");
  add("s5 = moai::broadcast(1, 0) -> f32[2]\n");
  const auto times = run();
  ASSERT_TRUE(times.ok()) << times.status().to_string();
  for (const StageTime& t : *times) EXPECT_EQ(t.end_s, 2);
}

TEST_F(StageRun, AMessageThatNobodySendsIsOurMistake) {
  add("s5 = moai::receive(1, 0) -> f32[2]\n");
  add("s2 = aten::neg(f32[2] s1) -> f32[2]\n");
  EXPECT_EQ(run().status().code(), Code::kInternal);
}

}  // namespace
}  // namespace moai::compiler
