#include "moai/compiler/passes/recompute.h"

#include <gtest/gtest.h>

namespace moai::compiler {
namespace {

// Four products with activations in between, and their gradients.
std::string chain() {
  std::string text;
  const auto line = [&](const std::string& l) { text += l + "\n"; };
  const auto s = [](int id) { return "s" + std::to_string(id); };
  // s1 data, s2..s5 weights; s10+i products, s20+i activations.
  for (int i = 0; i < 4; ++i) {
    const std::string in = i == 0 ? "s1" : s(19 + i);
    line(s(10 + i) + " = aten::mm(f32[8,6] " + in + ", f32[6,6]{1,6} " + s(2 + i) +
         ") -> f32[8,6]    @" + std::to_string(i + 1));
    line(s(20 + i) + " = aten::gelu(f32[8,6] " + s(10 + i) + ", \"none\") -> f32[8,6]    @" +
         std::to_string(i + 1));
  }
  line("s30 = aten::mul.Tensor(f32[8,6] s23, f32[8,6] s23) -> f32[8,6]");
  std::string grad = "s30";
  for (int i = 3; i >= 0; --i) {
    const std::string in = i == 0 ? "s1" : s(19 + i);
    line(s(40 + i) + " = aten::gelu_backward(f32[8,6] " + grad + ", f32[8,6] " + s(10 + i) +
         ", \"none\") -> f32[8,6]");
    line(s(50 + i) + " = aten::mm(f32[6,8]{1,6} " + s(40 + i) + ", f32[8,6] " + in +
         ") -> f32[6,6]");
    if (i > 0) {
      line(s(60 + i) + " = aten::mm(f32[8,6] " + s(40 + i) + ", f32[6,6] " + s(2 + i) +
           ") -> f32[8,6]");
    }
    grad = s(60 + i);
  }
  for (int i = 0; i < 4; ++i) {
    line("aten::add_.Tensor(f32[6,6]! " + s(2 + i) + ", f32[6,6] " + s(50 + i) +
         ", word -0.1) -> _");
  }
  for (const int first : {10, 20, 40, 50}) {
    for (int i = 0; i < 4; ++i) line("free " + s(first + i));
  }
  for (const int id : {30, 61, 62, 63}) line("free " + s(id));
  return text;
}

struct Result {
  explicit Result(Recompute how) {
    const auto window = graph::parse(chain(), &signatures);
    EXPECT_TRUE(window.ok()) << window.status().to_string();
    if (!window.ok()) return;
    made = recompute(*window, {}, {1}, how, 100, signatures);
    EXPECT_EQ(made.verified.message(), "");
  }
  // The operators of calls that are made again, in order.
  std::string again() const {
    std::string text;
    std::vector<bool> seen(1000);
    for (size_t i = 0; i < made.sources.size(); ++i) {
      const graph::Node& n = made.window.nodes[i];
      if (n.kind != graph::NodeKind::kCall) continue;
      if (seen[made.sources[i]]) {
        text += signatures.at(n.signature).signature().op.substr(6) + "@" + std::to_string(n.line) +
                " ";
      }
      seen[made.sources[i]] = true;
    }
    return text;
  }

  graph::SignatureTable signatures;
  Recomputed made;
};

TEST(Recompute, NoneCallsNothingAgain) { EXPECT_EQ(Result(Recompute::kNone).again(), ""); }

// What the last activation is made of is read again at once.
TEST(Recompute, FullKeepsWhatLayersRead) {
  EXPECT_EQ(Result(Recompute::kFull).again(), "mm@3 mm@2 mm@1 ");
}

TEST(Recompute, SelectiveKeepsProducts) { EXPECT_EQ(Result(Recompute::kSelective).again(), ""); }

// Calls of the backward pass, those that are made again among them, are marked as such.
TEST(Recompute, WhatIsCalledAgainIsBackward) {
  const Result r(Recompute::kFull);
  bool backward = false;
  for (size_t i = 0; i < r.made.backward.size(); ++i) {
    if (r.made.window.nodes[i].kind != graph::NodeKind::kCall) continue;
    EXPECT_FALSE(backward && !r.made.backward[i]) << i;
    backward |= r.made.backward[i];
  }
}

}  // namespace
}  // namespace moai::compiler
