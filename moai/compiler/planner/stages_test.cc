#include "moai/compiler/planner/stages.h"

#include "moai/compiler/sharding/partition.h"
#include "moai/compiler/testing/split_window.h"

namespace moai::compiler {
namespace {

using Stages = SplitWindow;

// Whether they skip is known where the flag lies; all skip, or none.
TEST_F(Stages, AllOfThemBeginAndEndWhatMayBeSkipped) {
  import(
      "moai::skip_if(f32[] s1) -> _\n"
      "aten::neg_(f32[4]! s2) -> _\n"
      "moai::skip_end() -> _\n");
  plan_.mesh = {{{std::string(kStageAxis), 2}}};
  const auto homes = [&](SegmentId s) {
    return StageHome{StageHome::Kind::kAt, graph_.segments[s].storage == 1 ? 0u : 1u};
  };
  assign_stages(graph_, find_roles(graph_, *factors_, {}),
                {.factors = factors_.get(), .stages = 2, .homes = homes}, &plan_);
  EXPECT_EQ(plan_.stages, (std::vector<int32_t>{kEveryStage, 1, kEveryStage}));
}

}  // namespace
}  // namespace moai::compiler
