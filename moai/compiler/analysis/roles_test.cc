#include "moai/compiler/analysis/roles.h"

#include <gtest/gtest.h>

#include "moai/compiler/analysis/analysed.h"

namespace moai::compiler {
namespace {

struct Found {
  explicit Found(std::string_view text, const std::vector<graph::StorageId>& uploaded = {}) {
    const auto parsed = graph::parse(text, &signatures);
    EXPECT_TRUE(parsed.ok()) << parsed.status().to_string();
    if (!parsed.ok()) return;
    window = std::make_unique<Analysed>(*parsed, signatures);
    roles = find_roles(window->graph, window->factors, uploaded);
  }
  std::string text() const { return print(window->graph, roles); }
  std::string slices() const {
    std::string out;
    for (const Slice s : roles.nodes) out += "FBO"[static_cast<size_t>(s)];
    return out;
  }
  std::string sizes(const std::vector<FactorId>& of) const {
    std::string out;
    for (const FactorId f : of) out += std::to_string(window->factors.size(f)) + " ";
    return out;
  }

  graph::SignatureTable signatures;
  std::unique_ptr<Analysed> window;
  Roles roles;
};

// s1 (6 rows) through s2, relu, s3; squared error to s4; gradients s13 and s15.
constexpr const char* kForward =
    "s5 = aten::mm(f32[6,5] s1, f32[5,7]{1,5} s2) -> f32[6,7]\n"
    "s6 = aten::relu(f32[6,7] s5) -> f32[6,7]\n"
    "s7 = aten::mm(f32[6,7] s6, f32[7,3]{1,7} s3) -> f32[6,3]\n"
    "s8 = aten::mse_loss(f32[6,3] s7, f32[6,3] s4, 1) -> f32[]\n";
constexpr const char* kBackward =
    "alloc s9 4\n"
    "aten::fill_.Scalar(f32[]! s9, word 1.0) -> _\n"
    "s12 = aten::mse_loss_backward(f32[] s9, f32[6,3] s7, f32[6,3] s4, 1) -> f32[6,3]\n"
    "s13 = aten::mm(f32[3,6]{1,3} s12, f32[6,7] s6) -> f32[3,7]\n"
    "s14 = aten::mm(f32[6,3] s12, f32[3,7] s3) -> f32[6,7]\n"
    "s16 = aten::threshold_backward(f32[6,7] s14, f32[6,7] s6, intword 0) -> f32[6,7]\n"
    "s15 = aten::mm(f32[7,6]{1,7} s16, f32[6,5] s1) -> f32[7,5]\n"
    "free s5\nfree s6\nfree s7\nfree s9\nfree s12\nfree s14\nfree s16\n";
constexpr const char* kStep =
    "aten::add_.Tensor(f32[7,5]! s2, f32[7,5] s15, word -0.1) -> _\n"
    "aten::mul_.Scalar(f32[3,7]! s20, word 0.9) -> _\n"
    "aten::add_.Tensor(f32[3,7]! s20, f32[3,7] s13, word 1.0) -> _\n"
    "aten::add_.Tensor(f32[3,7]! s3, f32[3,7] s20, word -0.1) -> _\n";

TEST(Roles, OfATrainingStep) {
  const Found f(std::string(kForward) + kBackward + kStep);
  EXPECT_EQ(f.text(),
            "parameter: s2 s3\n"
            "state: s20\n"
            "gradient: s13 s15\n"
            "data: s1 s4\n"
            "calls: 4 forward, 6 backward, 4 optimizer\n");
  EXPECT_EQ(f.slices(), "FFFFBBBBBBOOOO");
  EXPECT_EQ(f.sizes(f.roles.batch), "6 ");
  EXPECT_EQ(f.roles.backward_begin, 5u) << "what depends on data: the loss's gradient";
}

TEST(Roles, OfAnEvaluation) {
  const Found f(std::string(kForward) + "aten::add_.Tensor(f32[]! s30, f32[] s8, word 1.0) -> _\n");
  EXPECT_EQ(f.text(),
            "parameter: s2 s3\n"
            "buffer: s30\n"
            "data: s1 s4\n"
            "calls: 5 forward, 0 backward, 0 optimizer\n");
  EXPECT_EQ(f.sizes(f.roles.batch), "6 ");
  EXPECT_EQ(f.roles.backward_begin, kNone);
}

// s13 is a first gradient; s21 has one from before.
TEST(Roles, OfAStepThatOnlyAccumulates) {
  const Found f(std::string(kForward) + kBackward +
                "aten::add_.Tensor(f32[7,5]! s21, f32[7,5] s15, word 1.0) -> _\nfree s15\n");
  EXPECT_EQ(f.text(),
            "parameter: s2 s3\n"
            "gradient: s13 s21\n"
            "data: s1 s4\n"
            "calls: 4 forward, 7 backward, 0 optimizer\n");
}

TEST(Roles, OfAccumulatedGradientsThatAreUsed) {
  const Found f(std::string(kForward) + kBackward +
                "aten::add_.Tensor(f32[7,5]! s21, f32[7,5] s15, word 1.0) -> _\nfree s15\n"
                "aten::mul_.Scalar(f32[7,5]! s21, word 0.5) -> _\n"
                "aten::add_.Tensor(f32[7,5]! s2, f32[7,5] s21, word -0.1) -> _\n");
  EXPECT_EQ(f.text(),
            "parameter: s2 s3\n"
            "gradient: s13 s15 s21\n"
            "data: s1 s4\n"
            "calls: 4 forward, 6 backward, 3 optimizer\n");
}

// Weights are uploaded or drawn in the first window and no inputs of it.
TEST(Roles, OfWhatTheWindowMadeItself) {
  const std::string made =
      "alloc s2 140\n"
      "aten::uniform_(f32[7,5]! s2, word -1.0, word 1.0, none) -> _\n"
      "alloc s20 84\n"
      "aten::fill_.Scalar(f32[3,7]! s20, word 0.0) -> _\n";
  const Found f(made + kForward + kBackward + kStep, {1, 3, 4});
  EXPECT_EQ(f.text(),
            "parameter: s2 s3\n"
            "state: s20\n"
            "gradient: s13 s15\n"
            "data: s1 s4\n"
            "calls: 5 forward, 6 backward, 5 optimizer\n");
}

TEST(Roles, ABatchOfOneHasNoFactor) {
  const Found f(
      "s5 = aten::mm(f32[1,5] s1, f32[5,7]{1,5} s2) -> f32[1,7]\n"
      "s6 = aten::relu(f32[1,7] s5) -> f32[1,7]\n"
      "s7 = aten::mm(f32[1,7] s6, f32[7,3]{1,7} s3) -> f32[1,3]\n",
      {1});
  EXPECT_EQ(f.sizes(f.roles.batch), "");
  EXPECT_EQ(f.text(),
            "parameter: s2 s3\n"
            "data: s1\n"
            "calls: 3 forward, 0 backward, 0 optimizer\n");
}

// Keys of other tokens are needed by each token: the sequence is no batch, even alone.
TEST(Roles, ASequenceIsNoBatch) {
  const auto attention = [](const std::string& batch) {
    return "s4 = aten::embedding(f32[9,8] s2, i64[" + batch + ",6] s1, -1, false, false) -> f32[" +
           batch + ",6,8]\n" + "s5 = aten::mm(f32[" + batch + "x6,8] s4, f32[8,8] s3) -> f32[" +
           batch + "x6,8]\n" + "s6 = aten::bmm(f32[" + batch + ",6,8] s5, f32[" + batch +
           ",8,6]{48,1,8} s4) -> f32[" + batch + ",6,6]\n" + "s7 = aten::bmm(f32[" + batch +
           ",6,6] s6, f32[" + batch + ",6,8] s4) -> f32[" + batch + ",6,8]\n";
  };
  const auto with = [](std::string text, const std::string& from, const std::string& to) {
    for (size_t at; (at = text.find(from)) != std::string::npos;) text.replace(at, from.size(), to);
    return text;
  };
  const Found many(with(attention("4"), "4x6", "24"), {1});
  EXPECT_EQ(many.sizes(many.roles.batch), "4 ");
  EXPECT_EQ(many.sizes(many.roles.sequence), "6 ");
  const Found one(with(attention("1"), "1x6", "6"), {1});
  EXPECT_EQ(one.sizes(one.roles.batch), "");
  EXPECT_EQ(one.sizes(one.roles.sequence), "6 ");
}

// Words and those behind them are pieces of what was uploaded, of which neither has the sequence as
// a factor.
TEST(Roles, OfAPieceOfASequenceWhatIsLookedUpHasTheSequence) {
  const Found f(
      "s4 = aten::embedding(f32[9,8] s2, i64[4,6]{7,1} s1, -1, false, false) -> f32[4,6,8]\n"
      "s5 = aten::mm(f32[24,8] s4, f32[8,8] s3) -> f32[24,8]\n"
      "s6 = aten::bmm(f32[4,6,8] s5, f32[4,8,6]{48,1,8} s4) -> f32[4,6,6]\n"
      "s7 = aten::bmm(f32[4,6,6] s6, f32[4,6,8] s4) -> f32[4,6,8]\n"
      "s8 = aten::ne.Scalar(i64[4,6]{7,1}+1 s1, word 0.0) -> bool[4,6]\n",
      {1});
  EXPECT_EQ(f.sizes(f.roles.batch), "4 ");
  EXPECT_EQ(f.sizes(f.roles.sequence), "6 ");
}

}  // namespace
}  // namespace moai::compiler
