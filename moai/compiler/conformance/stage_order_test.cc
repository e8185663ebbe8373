// Micro-batches through pipeline stages: in which order, and what is held meanwhile.
#include <gtest/gtest.h>

#include <algorithm>

#include "moai/compiler/conformance/golden_window.h"
#include "moai/compiler/cost/live_storages.h"
#include "moai/compiler/distribute.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler {
namespace {

class StageOrder : public testing::Test {
 protected:
  StageOrder() { load("llama", &golden_); }

  Distributed distribute(const Degrees& degrees) {
    DistributeInput in{.window = &golden_.recorded->window,
                       .degrees = degrees,
                       .storages = {},
                       .first_temporary = 1000000};
    for (const auto& [id, bytes] : golden_.inputs) {
      const bool uploaded = std::ranges::find(golden_.data, id) != golden_.data.end();
      in.storages[id] = {.bytes = bytes.size(), .layout = {}, .free = uploaded};
    }
    Distributed d = compiler::distribute(in, &golden_.signatures);
    EXPECT_EQ(d.verified.message(), "");
    EXPECT_EQ(d.in_time.message(), "");
    return d;
  }
  // Of a rank: activations and gradients sent (s) and received (r), products (.) in between.
  std::string messages(const Distributed& d, size_t rank) const {
    std::string text;
    for (const graph::Node& n : d.ranks[rank].window.nodes) {
      if (n.kind != graph::NodeKind::kCall) continue;
      const ops::CallSignature s = golden_.signatures.at(n.signature).signature();
      if (s.op == "aten::mm" && !text.ends_with('.')) text += '.';
      if (s.op == "moai::send" && tensor::element_count(s.args[0].geometry) > 1) text += 's';
      if (s.op == "moai::receive" && tensor::element_count(s.results[0].geometry) > 1) text += 'r';
    }
    return text;
  }
  uint64_t bytes_max(const Distributed& d, size_t rank) const {
    cost::StorageReplay replay(&golden_.signatures, {});
    uint64_t most = 0;
    for (const graph::Node& n : d.ranks[rank].window.nodes) {
      replay.run(d.ranks[rank].window, n);
      most = std::max(most, replay.live().bytes());
    }
    return most;
  }

  GoldenWindow golden_;
};

constexpr auto kInterleaved = PipelineSchedule::Kind::kInterleaved;
constexpr auto kZeroBubble = PipelineSchedule::Kind::kZeroBubble;

TEST_F(StageOrder, OneForwardOneBackward) {
  const Distributed d = distribute({.pp = 2, .microbatches = 6});
  EXPECT_EQ(messages(d, 0), ".s.sr.sr.sr.sr.sr.r.");
  EXPECT_EQ(messages(d, 1), "r.sr.sr.sr.sr.sr.s");
}

// What only the optimizer waits for comes behind the gradient that the stage before waits for.
TEST_F(StageOrder, ZeroBubble) {
  const Distributed d = distribute({.pp = 2, .microbatches = 6, .schedule = {.kind = kZeroBubble}});
  EXPECT_EQ(messages(d, 0), ".s.sr.sr.sr.sr.sr.r.");
  EXPECT_EQ(messages(d, 1), "r.s.r.s.r.s.r.s.r.s.r.s.");
}

TEST_F(StageOrder, ChunksTakeTurns) {
  const Distributed d =
      distribute({.pp = 2, .microbatches = 6, .schedule = {.kind = kInterleaved, .chunks = 2}});
  EXPECT_EQ(messages(d, 0), ".s.srsrs.srs.srsrsr.rsr.srs.srsrsr.rsr.rsrsr.r.");
}

// No more micro-batches are held than stages follow, so that a stage of two holds two of six.
TEST_F(StageOrder, ActivationsInFlightAreBounded) {
  const Distributed at_once = distribute({.pp = 2});
  for (const PipelineSchedule& s : {PipelineSchedule{}, PipelineSchedule{.kind = kZeroBubble}}) {
    const Distributed d = distribute({.pp = 2, .microbatches = 6, .schedule = s});
    EXPECT_LT(bytes_max(d, 0) * 2, bytes_max(at_once, 0)) << to_string(s);
    EXPECT_LT(bytes_max(d, 1) * 2, bytes_max(at_once, 1)) << to_string(s);
    int held = 0;
    for (const char c : messages(d, 0)) {
      held += c == 's' ? 1 : c == 'r' ? -1 : 0;
      EXPECT_LE(held, 2) << to_string(s);
    }
  }
}

}  // namespace
}  // namespace moai::compiler
