#include "moai/compiler/planner/recorded_step.h"

#include <gmock/gmock.h>

#include "moai/base/file.h"

namespace moai::compiler {
namespace {

using testing::HasSubstr;

std::string golden(const std::string& name) {
  return read_file(std::string(MOAI_SOURCE) + "/tests/golden/windows/" + name + ".txt").value();
}

Result<RecordedStep> step_of(const std::string& text) {
  graph::SignatureTable signatures;
  const auto recording = graph::parse_recording(text, &signatures);
  EXPECT_TRUE(recording.ok()) << recording.status().to_string();
  return training_step(*recording, signatures);
}

// A model is made, two steps train, and the script ends with something else.
TEST(RecordedStep, IsTheLastWindowThatTrains) {
  const std::string before =
      "alloc s1 1000\n"
      "upload s2 48 0 48\n"
      "s900 = aten::relu(f32[5] s3) -> f32[5]\n"
      "s901 = aten::relu(f32[5] s900) -> f32[5]\n"
      "free s900\n"
      "step\n";
  const std::string after = "step\ns999 = aten::relu(f32[5] s901) -> f32[5]\n";
  const auto step = step_of(before + golden("mlp") + after);
  ASSERT_TRUE(step.ok()) << step.status().to_string();
  EXPECT_EQ(step->uploaded, (std::vector<graph::StorageId>{75, 76}));
  const cost::StorageBytes older{{1, 1000}, {2, 48}, {901, 20}, {75, 336}, {76, 56}};
  EXPECT_EQ(step->older, older);
  EXPECT_EQ(step->window.nodes.size(), step_of(golden("mlp"))->window.nodes.size());
}

TEST(RecordedStep, WithoutOneItSaysWhatWasRecorded) {
  EXPECT_THAT(step_of("").status().message(), HasSubstr("ran nothing on the device"));
  const Status status =
      step_of("s2 = aten::relu(f32[5] s1) -> f32[5]\nstep\naten::relu_(f32[5]! s1) -> _\n")
          .status();
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_THAT(status.message(), HasSubstr("no training step among the 2 calls"));
  EXPECT_THAT(status.message(), HasSubstr("give arguments with which it trains"));
}

TEST(RecordedStep, DistinctWindowsInPiecesKnowWhatIsOlder) {
  const std::string step =
      "alloc s1 20\n"
      "s2 = aten::relu(f32[5] s1) -> f32[5]\n"
      "upload s9 12 0 12\n"
      "s3 = aten::neg(f32[5] s2) -> f32[5]\n"
      "step\n";
  graph::SignatureTable signatures;
  const auto recording = graph::parse_recording(step + step, &signatures);
  ASSERT_TRUE(recording.ok());
  EXPECT_EQ(distinct_windows(*recording, 100, signatures).size(), 1u);
  const auto pieces = distinct_windows(*recording, 2, signatures);
  ASSERT_EQ(pieces.size(), 2u);
  EXPECT_TRUE(pieces[0].uploaded.empty());
  EXPECT_EQ(pieces[1].uploaded, (std::vector<graph::StorageId>{9}));
  const cost::StorageBytes older{{1, 20}, {2, 20}, {9, 12}};
  EXPECT_EQ(pieces[1].older, older);
}

}  // namespace
}  // namespace moai::compiler
