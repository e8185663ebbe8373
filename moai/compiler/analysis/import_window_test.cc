#include "moai/compiler/analysis/import_window.h"

#include <gtest/gtest.h>

namespace moai::compiler {
namespace {

std::string imported(std::string_view text) {
  graph::SignatureTable signatures;
  const auto window = graph::parse(text, &signatures);
  EXPECT_TRUE(window.ok()) << window.status().to_string();
  return window.ok() ? print(import_window(*window, signatures)) : "";
}

TEST(ImportWindow, AViewIsHowACallShowsAValue) {
  EXPECT_EQ(imported("s2 = aten::mm(f32[2,3] s1, f32[3,2]{1,3} s1) -> f32[2,2]\n"),
            "0 = s1 f32 0+6\n"
            "1 = s2 f32 0+4\n"
            "aten::mm 0.0[2@3 3@1] 0.0[3@1 2@3] -> 1.1[2@2 2@1]\n"
            "out 1.1\n");
}

TEST(ImportWindow, WhatIsWrittenInPlaceIsTheNextValue) {
  EXPECT_EQ(imported("aten::add_.Tensor(f32[3]! s1, f32[3] s2, word 1.0) -> _\n"
                     "aten::mul_.Tensor(f32[2]{1}+1! s1, f32[2] s2) -> _\n"),
            "0 = s1 f32 0+3\n"
            "1 = s2 f32 0+3\n"
            "aten::add_.Tensor 0.0>0.1[3@1] 1.0[3@1]\n"
            "aten::mul_.Tensor 0.1>0.2[1+2/3@1] 1.0[0+2/3@1]\n"
            "out 0.2\n");
}

TEST(ImportWindow, WhatIsFilledWholeDependsOnNothing) {
  EXPECT_EQ(imported("alloc s1 64\n"
                     "aten::fill_.Scalar(f32[4]! s1, word 0.0) -> _\n"
                     "aten::fill_.Scalar(f32[2]! s1, word 1.0) -> _\n"),
            "0 = s1 f32 0+4\n"
            "aten::fill_.Scalar >0.1[4@1]\n"
            "aten::fill_.Scalar 0.1>0.2[2@1](0/2@2)\n"
            "out 0.2\n")
      << "the second leaves two elements, which it must keep";
}

TEST(ImportWindow, ListsBecomeCallsOverListsOfOne) {
  EXPECT_EQ(imported("aten::_foreach_add_.List((f32[3]! s1, f32[2]! s2), (f32[3] s3, f32[2] s4), "
                     "word 1.0)\n"),
            "0 = s1 f32 0+3\n"
            "1 = s2 f32 0+2\n"
            "2 = s3 f32 0+3\n"
            "3 = s4 f32 0+2\n"
            "aten::_foreach_add_.List 0.0>0.1[3@1] 2.0[3@1]\n"
            "aten::_foreach_add_.List 1.0>1.1[2@1] 3.0[2@1]\n"
            "out 0.1 1.1\n");
}

TEST(ImportWindow, PartsOfAStorageThatAreNeverReadTogetherAreSegments) {
  EXPECT_EQ(imported("s2 = aten::neg(f32[2,2] s1) -> f32[2,2]\n"
                     "s3 = aten::neg(f32[3]{1}+4 s1) -> f32[3]\n"),
            "0 = s1 f32 0+4\n"
            "1 = s1 f32 4+3\n"
            "2 = s2 f32 0+4\n"
            "3 = s3 f32 0+3\n"
            "aten::neg 0.0[2@2 2@1] -> 2.1[2@2 2@1]\n"
            "aten::neg 1.0[3@1] -> 3.1[3@1]\n"
            "out 2.1 3.1\n");
}

TEST(ImportWindow, WhatNoDigitsExplainIsOpaque) {
  EXPECT_EQ(imported("s2 = aten::neg(f32[5,2]{1,1} s1) -> f32[5,2]\n"
                     "s4 = aten::neg(f32[2] s3) -> f32[2]\n"
                     "s5 = aten::neg(i32[2] s3) -> i32[2]\n"
                     "free s2\n"),
            "0 = s1 u8 0+24 opaque\n"
            "1 = s2 f32 0+10 released\n"
            "2 = s3 u8 0+8 opaque\n"
            "3 = s4 f32 0+2\n"
            "4 = s5 i32 0+2\n"
            "aten::neg 0.0[opaque] -> 1.1[5@2 2@1]\n"
            "aten::neg 2.0[opaque] -> 3.1[2@1]\n"
            "aten::neg 2.0[opaque] -> 4.1[2@1]\n"
            "out 3.1 4.1\n");
}

TEST(ImportWindow, TensorsWithoutElementsAreNothing) {
  EXPECT_EQ(imported("s2, s0 = aten::aminmax(f32[2] s1) -> f32[2], f32[0]\n"),
            "0 = s1 f32 0+2\n"
            "1 = s2 f32 0+2\n"
            "aten::aminmax 0.0[2@1] -> 1.1[2@1] -\n"
            "out 1.1\n");
}

}  // namespace
}  // namespace moai::compiler
