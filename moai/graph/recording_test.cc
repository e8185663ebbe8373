#include "moai/graph/recording.h"

#include <gtest/gtest.h>

namespace moai::graph {
namespace {

constexpr const char* kText =
    "line 12 train.py:40\n"
    "upload s8 64 0 24\n"
    "s9 = aten::relu(f32[2,3] s8) -> f32[2,3]    @12\n"
    "upload s8 64 24 8\n"
    "step\n"
    "aten::mul_.Tensor(f32[2,3]! s9, f32[2,3] s9) -> _\n"
    "free s9\n";

TEST(Recording, TextRoundTrips) {
  SignatureTable signatures;
  const auto r = parse_recording(kText, &signatures);
  ASSERT_TRUE(r.ok()) << r.status().to_string();
  ASSERT_EQ(r->windows.size(), 2u);
  EXPECT_EQ(r->windows[0].uploads[1].before, 1u);
  EXPECT_EQ(r->windows[1].window.nodes.size(), 2u);
  EXPECT_EQ(r->lines[12], "train.py:40");
  EXPECT_EQ(print(*r, signatures), kText);
}

TEST(Recording, ParseNamesTheBadLine) {
  SignatureTable signatures;
  for (const char* text : {"step\nsteps\n", "\nupload s7 1 2\n", "\nupload 7 1 2 3\n",
                           "\nupload s7 1 2 3 4\n", "\nline -\n", "\nline 4000000000 a\n"}) {
    const auto r = parse_recording(text, &signatures);
    ASSERT_FALSE(r.ok()) << text;
    EXPECT_NE(r.status().message().find("line 2"), std::string::npos) << r.status().message();
  }
}

TEST(Recording, WindowsAreVerified) {
  SignatureTable signatures;
  const auto r = parse_recording("step\nfree s7\nfree s7\n", &signatures);
  ASSERT_FALSE(r.ok());
  EXPECT_NE(r.status().message().find("window 1"), std::string::npos) << r.status().message();
}

}  // namespace
}  // namespace moai::graph
