#include "moai/worker/windows/package.h"

#include <gtest/gtest.h>

namespace moai::worker {
namespace {

TEST(PackageLayout, IsReadInOrder) {
  const auto layout =
      layout_from_string("input 3 f32[10]\nparameter 15 f64[]\ninput 1 i64[2]\noutput 7 f32[4]\n");
  ASSERT_TRUE(layout.ok()) << layout.status().to_string();
  ASSERT_EQ(layout->inputs.size(), 2u);
  EXPECT_EQ(layout->inputs[1].at, 1u);
  EXPECT_EQ(tensor::to_string(layout->inputs[1].geometry), "i64[2]");
  EXPECT_EQ(layout->parameters.at(0).at, 15u);
  EXPECT_EQ(layout->outputs.at(0).at, 7u);
}

TEST(PackageLayout, RefusesWhatIsNone) {
  for (const char* text :
       {"", "input 3 f32[10]\n", "output x f32[1]\n", "output 1 f32[\n", "output 1 f32[2,2]\n",
        "output 1 f32[2]+1\n", "outputs 1 f32[2]\n", "parameter 1 f32[2]\noutput 1 f32[2]\n"}) {
    EXPECT_EQ(layout_from_string(text).status().code(), Code::kDataLoss) << text;
  }
}

}  // namespace
}  // namespace moai::worker
