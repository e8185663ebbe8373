#include "moai/compiler/compile.h"

#include <gtest/gtest.h>

namespace moai::compiler {
namespace {

constexpr const char* kWindow =
    "alloc s7 4096\n"
    "s9 = aten::add.Tensor(f32[2,3] s7, f32[2,3] s8, word 1.0) -> f32[2,3]\n"
    "resize s7 8192\n";

TEST(Compile, StreamedProgramsAreTheirWindows) {
  graph::SignatureTable signatures;
  const std::string text = std::string(kWindow) + "free s7\n";
  const auto window = graph::parse(text, &signatures);
  ASSERT_TRUE(window.ok()) << window.status().to_string();
  const program::Program p = lower_streamed(*window);
  EXPECT_TRUE(program::verify(p, signatures).ok());
  EXPECT_EQ(program::print(p, signatures), text);
}

TEST(Compile, TemplatesKeepCountsOfWordsAndNoValues) {
  graph::SignatureTable signatures;
  const auto window = graph::parse(
      "alloc s0 4096\n"
      "s2 = aten::add.Tensor(f32[2,3] s0, f32[2,3] s1, word 1.0) -> f32[2,3]\n"
      "resize s0 8192\n",
      &signatures);
  ASSERT_TRUE(window.ok()) << window.status().to_string();
  const program::Program p = lower_template(*window);
  EXPECT_TRUE(program::verify(p, signatures).ok()) << program::verify(p, signatures).to_string();
  EXPECT_TRUE(p.is_template);
  EXPECT_EQ(p.slot_count, 3u);
  EXPECT_TRUE(p.words.empty());
  EXPECT_EQ(p.instructions[2].words_begin, 2u);
}

TEST(Compile, AnEmptyWindowIsAnEmptyProgram) {
  EXPECT_TRUE(lower_streamed({}).instructions.empty());
  EXPECT_EQ(lower_template({}).slot_count, 0u);
}

}  // namespace
}  // namespace moai::compiler
