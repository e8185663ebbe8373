#include "moai/compiler/search/window_shape.h"

#include <gtest/gtest.h>

#include "moai/compiler/testing/deep_window.h"

namespace moai::compiler {
namespace {

class WindowShapeTest : public testing::Test {
 protected:
  WindowShape parsed(const std::string& text) {
    const auto window = graph::parse(text, &signatures_);
    EXPECT_TRUE(window.ok()) << window.status().to_string();
    return window.ok() ? window_shape(*window, signatures_) : WindowShape{};
  }
  WindowShape of(const DeepWindow& d) { return parsed(deep_window(d)); }

  graph::SignatureTable signatures_;
};

TEST_F(WindowShapeTest, StepsOfOtherSizesHaveTheSameStructure) {
  const WindowShape a = of({.layers = 4, .batch = 6}), b = of({.layers = 4, .batch = 24});
  const WindowShape wider = of({.layers = 4, .batch = 6, .width = 16, .hidden = 40});
  EXPECT_EQ(a.structure, b.structure);
  EXPECT_EQ(a.structure, wider.structure);
  EXPECT_GT(b.elements, a.elements);
  EXPECT_LT(b.elements, 4 * a.elements) << "weights' gradients are as large";
}

TEST_F(WindowShapeTest, OtherCallsHaveAnother) {
  const std::string relu = "s2 = aten::relu(f32[4,2] s1) -> f32[4,2]\n";
  const uint64_t structure = parsed(relu + "s3 = aten::relu(f32[4,2] s2) -> f32[4,2]\n").structure;
  for (const char* other :
       {"s3 = aten::relu(f32[4,2] s1) -> f32[4,2]\n", "s3 = aten::relu(f64[4,2] s2) -> f64[4,2]\n",
        "s3 = aten::relu(f32[8] s2) -> f32[8]\n", "s3 = aten::sigmoid(f32[4,2] s2) -> f32[4,2]\n",
        ""}) {
    EXPECT_NE(parsed(relu + other).structure, structure) << other;
  }
  EXPECT_NE(of({.layers = 4}).structure, of({.layers = 5}).structure);
  EXPECT_NE(of({.layers = 4}).structure, of({.layers = 4, .lists = true}).structure);
}

}  // namespace
}  // namespace moai::compiler
