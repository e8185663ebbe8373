#include "moai/compiler/sharding/stage_program.h"

#include "moai/compiler/sharding/partition.h"
#include "moai/compiler/testing/split_window.h"

namespace moai::compiler {
namespace {

class StageProgram : public SplitWindow {
 protected:
  // What a stage does, by line. s1 lies at the first stage, s2 at the second.
  std::string steps_of(std::string_view text, std::vector<int32_t> stages, uint32_t stage) {
    import(text);
    plan_.mesh = {{{std::string(kStageAxis), 2}}};
    for (SegmentId s = 0; s < graph_.segments.size(); ++s) {
      const graph::StorageId storage = graph_.segments[s].storage;
      if (storage == 1 || storage == 2) plan_.home[s] = {at_stage(storage == 1 ? 0 : 1)};
    }
    plan_.stages = std::move(stages);
    std::string out;
    const SpmdProgram all = partition(graph_, *factors_, plan_);
    for (const Step& step : stage_program(graph_, all, stage).steps) {
      const auto* m = std::get_if<MoveStep>(&step);
      out +=
          m ? std::string(name(m->kind)) : graph_.nodes[std::get<CallStep>(step).node].signature.op;
      out += '\n';
    }
    return out;
  }
};

TEST_F(StageProgram, SendsWhereItIsMade) {
  constexpr const char* kText =
      "s3 = aten::neg(f32[4] s1) -> f32[4]\n"
      "aten::neg_(f32[4]! s1) -> _\n"
      "aten::add_.Tensor(f32[4]! s2, f32[4] s3, word 1.0) -> _\n";
  EXPECT_EQ(steps_of(kText, {0, 0, 1}, 0), "aten::neg\nsend\naten::neg_\n");
  EXPECT_EQ(steps_of(kText, {0, 0, 1}, 1), "receive\naten::add_\n");
}

// Else a step that is skipped sends what nobody receives.
TEST_F(StageProgram, SendsWhatMayBeSkippedWhereItMayBeSkipped) {
  constexpr const char* kText =
      "s3 = aten::neg(f32[4] s1) -> f32[4]\n"
      "moai::skip_if(f32[] s9) -> _\n"
      "aten::add_.Tensor(f32[4]! s2, f32[4] s3, word 1.0) -> _\n"
      "moai::skip_end() -> _\n";
  const std::vector<int32_t> stages = {0, kEveryStage, 1, kEveryStage};
  EXPECT_EQ(steps_of(kText, stages, 0), "aten::neg\nmoai::skip_if\nsend\nmoai::skip_end\n");
  EXPECT_EQ(steps_of(kText, stages, 1), "moai::skip_if\nreceive\naten::add_\nmoai::skip_end\n");
}

}  // namespace
}  // namespace moai::compiler
