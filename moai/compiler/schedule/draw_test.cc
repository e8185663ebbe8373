#include "moai/compiler/schedule/draw.h"

#include <gtest/gtest.h>

#include "moai/compiler/schedule/generators.h"

namespace moai::compiler::schedule {
namespace {

std::string drawing(const Schedule& s, const StageCost& cost, size_t columns) {
  const Result<Simulation> simulation = simulate(s, uniform(s.stages(), cost));
  return simulation.ok() ? draw(s, *simulation, columns) : simulation.status().to_string();
}

TEST(Draw, OneForwardOneBackward) {
  EXPECT_EQ(drawing(one_forward_one_backward(2, 3), {1, 1, 1}, 24),
            "device 0 |0f1f....0bbb2f1bbb..2bbb|  25.0 % idle\n"
            "device 1 |..0f0bbb1f1bbb2f2bbb....|  25.0 % idle\n"
            "a column is 500 ms; micro-batch, then f forward, b backward, i input gradient, "
            "w weight gradient; capitals: second chunk; 25.0 % idle\n");
}

TEST(Draw, TheSecondChunkIsInCapitals) {
  const std::string text = drawing(zb_v(2, 2), {1, 1, 1}, 26);
  EXPECT_EQ(text.substr(0, text.find("a column")),
            "device 0 |0f1f..0F0I0W1F1I1W0i0w1i1w|   7.7 % idle\n"
            "device 1 |..0f0F1f1F0I0W0i0w1I1i1W1w|   7.7 % idle\n");
}

// A forward lasts a third of a column and is seen only where it meets the column's middle.
TEST(Draw, NarrowColumnsShowWhatIsInTheirMiddle) {
  const std::string text = drawing(gpipe(11, 1), {1, 1, 1}, 11);
  EXPECT_EQ(text.substr(0, text.find('\n')), "device  0 |..........0|  90.9 % idle");
  EXPECT_NE(text.find("device 10 |...0.......|  90.9 % idle\n"), std::string::npos) << text;
}

TEST(Draw, NothingIsNothing) {
  EXPECT_EQ(draw({}, {}, 80), "");
  EXPECT_EQ(drawing(gpipe(2, 2), {1, 1, 1}, 0), "");
}

}  // namespace
}  // namespace moai::compiler::schedule
