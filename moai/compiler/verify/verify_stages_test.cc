#include "moai/compiler/verify/verify_stages.h"

#include <gmock/gmock.h>

#include "moai/compiler/analysis/import_window.h"
#include "moai/compiler/lower/stage_lowering.h"
#include "moai/compiler/sharding/partition.h"
#include "moai/compiler/verify/verify.h"
#include "moai/compiler/verify/verify_program.h"

namespace moai::compiler {
namespace {

using testing::HasSubstr;

// Two stages: the first makes s2 of s1, the second adds it to s3, and the first takes the sum.
class VerifyStagesTest : public testing::Test {
 protected:
  VerifyStagesTest() {
    auto w = graph::parse(
        "s2 = aten::neg(f32[4] s1) -> f32[4]\n"
        "s4 = aten::add.Tensor(f32[4] s3, f32[4] s2, 1) -> f32[4]\n"
        "s5 = aten::neg(f32[4] s4) -> f32[4]\n"
        "free s2\n"
        "free s4\n",
        &signatures_);
    EXPECT_TRUE(w.ok()) << w.status().to_string();
    window_ = *std::move(w);
    graph_ = import_window(window_, signatures_);
    factors_.emplace(graph_);
    LayoutPlan plan{.mesh = {{{std::string(kStageAxis), 2}}}, .policies = {{}}};
    plan.stages = {0, 1, 0};
    for (const auto& [segment, stage] : {std::pair(0u, 0u), {2u, 1u}}) {
      plan.home[segment] = {at_stage(stage)};
    }
    program_ = partition(graph_, *factors_, plan);
    lower();
  }

  Lowering lowering() const { return {&window_, &graph_, &*factors_, &program_, {}, {}, {}}; }
  void lower() {
    ranks_.clear();
    for (int rank = 0; rank < 2; ++rank) {
      ranks_.push_back(lower_rank(lowering(), rank, 100, &signatures_));
    }
  }
  std::string verified() const { return verify(lowering(), ranks_, signatures_).message(); }
  std::string program_verified() const { return verify_program(lowering()).message(); }
  CallStep& call(size_t number) {
    for (Step& s : program_.steps) {
      auto* c = std::get_if<CallStep>(&s);
      if (c && number-- == 0) return *c;
    }
    return std::get<CallStep>(program_.steps[0]);
  }
  graph::Window text(const std::string& lines) {
    auto w = graph::parse(lines, &signatures_);
    EXPECT_TRUE(w.ok()) << w.status().to_string();
    return *std::move(w);
  }
  std::string played(const std::string& first, const std::string& second) {
    const graph::Window a = text(first), b = text(second);
    return verify_meetings(std::vector<const graph::Window*>{&a, &b}, signatures_).message();
  }

  graph::SignatureTable signatures_;
  graph::Window window_;
  ValueGraph graph_;
  std::optional<Factors> factors_;
  SpmdProgram program_;
  std::vector<graph::Window> ranks_;
};

TEST_F(VerifyStagesTest, EachStageRunsItsPart) {
  EXPECT_EQ(verified(), "");
  EXPECT_EQ(print(ranks_[0], signatures_),
            "s2 = aten::neg(f32[4] s1) -> f32[4]\n"
            "moai::send(f32[4] s2, 1, 0) -> _\n"
            "free s2\n"
            "s100 = moai::receive(1, 0) -> f32[4]\n"
            "s5 = aten::neg(f32[4] s100) -> f32[4]\n"
            "free s100\n");
  EXPECT_EQ(print(ranks_[1], signatures_),
            "s100 = moai::receive(0, 0) -> f32[4]\n"
            "s4 = aten::add.Tensor(f32[4] s3, f32[4] s100, 1) -> f32[4]\n"
            "free s100\n"
            "moai::send(f32[4] s4, 0, 0) -> _\n"
            "free s4\n");
}

TEST_F(VerifyStagesTest, AValueIsUsedAtTheStageWhereItIs) {
  call(1).work[0].part = 0;
  EXPECT_THAT(program_verified(), HasSubstr("not @0 as the rule wants"));
}

TEST_F(VerifyStagesTest, ACopyOfAnotherVersionIsNotTheValue) {
  // What the second stage adds is s1, sent before it is negated.
  program_.registers.push_back({program_.registers[call(0).operands[0]].value, {at_stage(1)}});
  const auto copy = static_cast<RegisterId>(program_.registers.size() - 1);
  program_.steps.insert(program_.steps.begin(),
                        MoveStep{MoveKind::kTransfer, 0, call(0).operands[0], copy, kNone});
  call(1).operands[1] = copy;
  EXPECT_THAT(program_verified(), HasSubstr("it reads"));
}

TEST_F(VerifyStagesTest, AStageLeavesNothingOut) {
  const StageLowering first(lowering(), 0), second(lowering(), 1);
  SpmdProgram part = *first.lowering().program;
  const auto check = [&] {
    return verify_stage_programs(lowering(),
                                 std::vector<const SpmdProgram*>{&part, second.lowering().program})
        .message();
  };
  EXPECT_EQ(check(), "");
  const Step send = part.steps[1];
  part.steps.erase(part.steps.begin() + 1);
  EXPECT_THAT(check(), HasSubstr("stage 0: it sends otherwise than others receive"));
  part.steps.insert(part.steps.begin() + 1, 2, send);
  EXPECT_THAT(check(), HasSubstr("it sends otherwise"));
  part.steps.erase(part.steps.begin());
  EXPECT_THAT(check(), HasSubstr("aten::neg"));
}

TEST_F(VerifyStagesTest, WhoWaitsForEachOtherIsNamed) {
  EXPECT_EQ(played("s1 = moai::receive(1, 0) -> f32[4]\n", "moai::send(f32[4] s1, 0, 0) -> _\n"),
            "");
  EXPECT_THAT(played("s1 = moai::receive(1, 0) -> f32[4]\nmoai::send(f32[4] s1, 1, 0) -> _\n",
                     "s1 = moai::receive(0, 0) -> f32[4]\nmoai::send(f32[4] s1, 0, 0) -> _\n"),
              HasSubstr("stage 0: it receives from stage 1 as number 0"));
  EXPECT_THAT(played("", "moai::send(f32[4] s1, 0, 0) -> _\n"), HasSubstr("it does not take"));
  EXPECT_THAT(played("s1 = moai::receive(1, 0) -> f32[2]\n", "moai::send(f32[4] s1, 0, 0) -> _\n"),
              HasSubstr("it takes 8 bytes where 16 come"));
  EXPECT_EQ(played("s1, s2 = moai::receive(1, 0) -> f32[4], f32[2]\n",
                   "moai::send((f32[4] s1, f32[2] s2), 0, 0) -> _\n"),
            "");
  EXPECT_THAT(played("s1, s2 = moai::receive(1, 0) -> f32[4], f32[2]\n",
                     "moai::send((f32[2] s1, f32[4] s2), 0, 0) -> _\n"),
              HasSubstr("it takes 16 and 8 bytes where 8 and 16 come"));
  EXPECT_THAT(played("moai::broadcast(f32[4] s1, 0, 0) -> _\n", ""),
              HasSubstr("it broadcasts from stage 0"));
}

}  // namespace
}  // namespace moai::compiler
