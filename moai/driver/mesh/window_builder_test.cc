#include "moai/driver/mesh/window_builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "moai/driver/record/recorder.h"
#include "moai/driver/testing/replay.h"

namespace moai::driver {
namespace {

// Takes what a Recorder gives, as a MeshStream does; a window is what comes up to a step's end.
class Collected {
 public:
  void take(Recorder* recorder) {
    const std::vector<dispatch::Message> messages = recorder->take();
    const std::vector<size_t> ends = recorder->take_step_ends();
    auto end = ends.begin();
    for (size_t i = 0; i <= messages.size(); ++i) {
      for (; end != ends.end() && *end == i; ++end) end_window();
      if (i < messages.size()) take(messages[i]);
    }
  }
  void end_window() {
    const WindowBuilder::Built built = builder.take();
    for (const StorageId id : built.released) lines.push_back("free " + std::to_string(id));
    uint32_t calls = 0;
    for (const graph::Node& n : built.window.nodes) {
      const auto ids = built.window.storages_of(n);
      const auto words = built.window.words_of(n);
      if (n.kind == graph::NodeKind::kFree) {
        lines.push_back("free " + std::to_string(ids[0]));
        continue;
      }
      const char* kind = n.kind == graph::NodeKind::kCall ? "call" : "alloc";
      lines.push_back(
          Replay::line(kind, n.signature, {ids.begin(), ids.end()}, {words.begin(), words.end()}));
      if (n.kind != graph::NodeKind::kCall) continue;
      EXPECT_EQ(n.line, ++calls) << "a call is named by its number";
      EXPECT_EQ(built.first_sequence + n.line - 1, ++sequence) << "and so by its sequence";
    }
  }

  WindowBuilder builder;
  std::vector<std::string> lines;
  uint64_t sequence = 0;

 private:
  void take(const dispatch::Message& message) {
    uint64_t next = 0;
    const auto add = [&](const WindowBuilder::Recorded& r) {
      builder.add(r, next);
      next += r.kind == graph::NodeKind::kCall;
    };
    if (const auto* run = std::get_if<dispatch::Run>(&message)) {
      next = run->first_sequence;
      builder.each(*run, add);
    } else if (const auto* define = std::get_if<dispatch::DefineTemplate>(&message)) {
      builder.define(*define);
    } else if (const auto* drop = std::get_if<dispatch::DropTemplate>(&message)) {
      builder.drop(drop->id);
    } else if (const auto* run = std::get_if<dispatch::RunTemplate>(&message)) {
      next = run->first_sequence;
      builder.each(*run, add);
    }
  }
};

// Streamed, as templates, in parts: what comes out is what went in.
TEST(WindowBuilder, StepsOfAnyScriptAreWholeAgain) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    RecorderOptions options;
    options.book.templates_max = 1 + random() % 4;
    options.book.nodes_min = 2;
    Recorder recorder(options);
    Collected collected;
    std::vector<std::string> expected;
    StorageId next = 4;
    for (int step = 0; step < 30; ++step) {
      const uint32_t kind = random() % 3;
      std::vector<StorageId> made;
      for (uint32_t k = 0; k < 3 + kind; ++k) {
        const uint64_t word = random();
        const std::vector<uint64_t> ids = {made.empty() ? 1 : made.back(), 1 + k % 3, next++};
        recorder.call(1 + k + kind, ids, {&word, 1});
        expected.push_back(Replay::line("call", 1 + k + kind, ids, {word}));
        made.push_back(ids[2]);
        if (random() % 3 == 0) collected.take(&recorder);
      }
      const bool within = random() % 2;
      if (!within) recorder.step_end();
      for (const StorageId id : made) {
        recorder.free(id);
        expected.push_back("free " + std::to_string(id));
      }
      if (within) recorder.step_end();
    }
    collected.take(&recorder);
    collected.end_window();
    EXPECT_EQ(collected.lines, expected) << "seed " << seed;
    ASSERT_EQ(collected.sequence, recorder.sequence()) << "seed " << seed;
  }
}

TEST(WindowBuilder, WhatTheWindowDoesNotUseIsReleasedBefore) {
  WindowBuilder builder;
  const StorageId used = 7, other = 9;
  const uint64_t bytes = 64;
  builder.add({graph::NodeKind::kAlloc, 0, {&used, 1}, {&bytes, 1}}, 1);
  EXPECT_TRUE(builder.touches(used));
  builder.add({graph::NodeKind::kFree, 0, {&other, 1}, {}}, 1);
  builder.add({graph::NodeKind::kFree, 0, {&used, 1}, {}}, 1);
  const WindowBuilder::Built built = builder.take();
  EXPECT_EQ(built.released, std::vector<StorageId>{other});
  EXPECT_EQ(built.window.nodes.size(), 2u);
  EXPECT_TRUE(builder.empty());
  EXPECT_FALSE(builder.touches(used));
}

TEST(WindowBuilder, WhatTheWindowChangesIsKnown) {
  WindowBuilder builder;
  graph::SignatureTable signatures;
  const auto call = [&](const char* text, std::vector<StorageId> ids) {
    const auto id = signatures.intern(*ops::call_signature_from_string(text));
    builder.add({graph::NodeKind::kCall, id, ids, {}}, 1);
  };
  call("aten::add.Tensor(f32[2], f32[2], 1) -> f32[2]", {1, 2, 3});
  EXPECT_FALSE(builder.changes(1, signatures));
  EXPECT_FALSE(builder.changes(9, signatures)) << "it uses another";
  EXPECT_TRUE(builder.changes(3, signatures)) << "it makes it";
  call("aten::add_.Tensor(f32[2]!, f32[2], 1) -> _", {1, 2});
  EXPECT_TRUE(builder.changes(1, signatures));
  EXPECT_FALSE(builder.changes(2, signatures));
  const StorageId released = 2;
  builder.add({graph::NodeKind::kFree, 0, {&released, 1}, {}}, 1);
  EXPECT_TRUE(builder.changes(2, signatures));
}

TEST(WindowBuilder, CallsThatMayBeSkippedStayTogether) {
  WindowBuilder builder;
  const auto add = [&](graph::NodeKind kind, StorageId id, uint64_t sequence) {
    builder.add({kind, static_cast<graph::SignatureId>(sequence), {&id, 1}, {}}, sequence);
  };
  add(graph::NodeKind::kCall, 1, 11);
  add(graph::NodeKind::kCall, 2, 12);
  add(graph::NodeKind::kCall, 3, 13);
  builder.begin_region();
  add(graph::NodeKind::kCall, 4, 14);
  add(graph::NodeKind::kFree, 1, 14);
  EXPECT_TRUE(builder.stands_before_region(2));
  EXPECT_FALSE(builder.stands_before_region(4));
  const WindowBuilder::Built head = builder.take_before_region();
  EXPECT_EQ(head.first_sequence, 11u);
  ASSERT_EQ(head.window.nodes.size(), 2u);
  EXPECT_EQ(head.window.nodes[1].line, 2u);
  EXPECT_FALSE(builder.cuts_region());
  EXPECT_TRUE(builder.stands_before_region(2)) << "another read finds nothing before it";
  const WindowBuilder::Built nothing = builder.take_before_region();
  EXPECT_TRUE(nothing.window.empty());
  EXPECT_EQ(nothing.released, (std::vector<StorageId>{1})) << "which no call there uses";
  add(graph::NodeKind::kCall, 5, 15);
  builder.end_region();
  const WindowBuilder::Built tail = builder.take();
  EXPECT_EQ(tail.first_sequence, 13u);
  EXPECT_EQ(tail.window.nodes.size(), 3u);
  EXPECT_EQ(tail.window.nodes[2].line, 3u);
  EXPECT_FALSE(builder.cuts_region());
}

TEST(WindowBuilder, ARegionThatIsCutIsKnownUntilItsEnd) {
  WindowBuilder builder;
  const StorageId id = 1;
  const auto add = [&] { builder.add({graph::NodeKind::kCall, 0, {&id, 1}, {}}, 1); };
  add();
  builder.begin_region();
  builder.take();
  EXPECT_TRUE(builder.cuts_region());
  EXPECT_FALSE(builder.stands_before_region(7));
  add();
  builder.take();
  EXPECT_TRUE(builder.cuts_region());
  add();
  builder.end_region();
  builder.take();
  EXPECT_FALSE(builder.cuts_region());
}

}  // namespace
}  // namespace moai::driver
