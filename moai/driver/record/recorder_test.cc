#include "moai/driver/record/recorder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "moai/driver/testing/replay.h"

namespace moai::driver {
namespace {

// Records through a Recorder and beside it, so that what a Worker executes can be compared.
class Script {
 public:
  explicit Script(RecorderOptions options = {}) : recorder(options) {}

  StorageId fresh() { return next_++; }
  StorageId call(SignatureId signature, std::vector<StorageId> operands, uint64_t word = 0) {
    const StorageId result = fresh();
    operands.push_back(result);
    const std::vector<uint64_t> words = {word};
    recorder.call(signature, operands, words);
    expected.push_back(Replay::line("call", signature, operands, words));
    return result;
  }
  StorageId alloc(uint64_t size_bytes) {
    const StorageId id = fresh();
    recorder.alloc(id, size_bytes);
    expected.push_back(Replay::line("alloc", 0, {id}, {size_bytes}));
    return id;
  }
  void free(StorageId id) {
    recorder.free(id);
    expected.push_back("free " + std::to_string(id));
  }
  RequestId read(StorageId id) {
    recorder.wait();
    const uint64_t hits = recorder.counters().pushed_hits;
    const RequestId request = recorder.read({{id, 0, 4}});
    if (recorder.counters().pushed_hits == hits) expected.push_back("read " + std::to_string(id));
    return request;
  }
  void send() { replay.take(recorder.take()); }
  void check() {
    send();
    ASSERT_EQ(replay.error, "");
    // Reads that were sent ahead are no part of the script.
    std::vector<std::string> executed, wanted;
    for (const auto& l : replay.lines) {
      if (!l.starts_with("read")) executed.push_back(l);
    }
    for (const auto& l : expected) {
      if (!l.starts_with("read")) wanted.push_back(l);
    }
    ASSERT_EQ(executed, wanted);
    EXPECT_EQ(replay.next_sequence, recorder.sequence() + 1);
  }

  Recorder recorder;
  Replay replay;
  std::vector<std::string> expected;

 private:
  StorageId next_ = 1;
};

// A training step of `depth` layers; returns its loss.
StorageId step(Script& s, const std::vector<StorageId>& weights, StorageId input, uint64_t lr) {
  std::vector<StorageId> values = {input};
  for (const StorageId w : weights) values.push_back(s.call(1, {values.back(), w}));
  const StorageId loss = s.call(2, {values.back()});
  for (const StorageId w : weights) {
    const StorageId gradient = s.call(3, {loss, w});
    const StorageId update = s.call(4, {w, gradient}, lr);
    s.free(gradient);
    s.free(update);
  }
  for (const StorageId v : values) s.free(v);
  s.recorder.step_end();
  return loss;
}

struct Model {
  explicit Model(Script& s, size_t depth = 4) {
    for (size_t i = 0; i < depth; ++i) weights.push_back(s.alloc(64));
    s.recorder.step_end();
  }
  std::vector<StorageId> weights;
};

TEST(Recorder, StreamsWhatItSeesForTheFirstTime) {
  Script s;
  const StorageId a = s.alloc(16);
  s.call(1, {a, a}, 7);
  s.free(a);
  s.check();
  EXPECT_EQ(s.recorder.counters().template_calls, 0u);
  EXPECT_FALSE(s.recorder.pending());
}

TEST(Recorder, FollowsATemplateFromTheThirdStepOn) {
  Script s;
  Model m(s);
  for (int i = 0; i < 3; ++i) s.free(step(s, m.weights, s.alloc(8), 10 + i));
  s.check();
  EXPECT_EQ(s.recorder.counters().templates, 1u);
  EXPECT_EQ(s.recorder.counters().template_calls, 13u);
  EXPECT_EQ(s.recorder.counters().diverged, 0u);
}

TEST(Recorder, AFollowedStepIsOneSmallMessage) {
  Script s;
  Model m(s);
  for (int i = 0; i < 3; ++i) s.free(step(s, m.weights, s.alloc(8), 1));
  s.send();
  s.free(step(s, m.weights, s.alloc(8), 2));
  const auto messages = s.recorder.take();
  const auto runs = std::ranges::count_if(
      messages, [](const auto& x) { return std::holds_alternative<dispatch::RunTemplate>(x); });
  EXPECT_EQ(runs, 1);
  EXPECT_LE(messages.size(), 2u);  // and the release of the loss
}

TEST(Recorder, CutsATemplateAnywhere) {
  for (size_t every = 1; every < 9; ++every) {
    Script s;
    Model m(s);
    size_t count = 0;
    for (int i = 0; i < 5; ++i) {
      const StorageId input = s.alloc(8);
      if (++count % every == 0) s.send();
      const StorageId loss = step(s, m.weights, input, i);
      if (++count % every == 0) s.send();
      s.free(loss);
    }
    s.check();
  }
}

TEST(Recorder, AStepThatGoesAnotherWayIsRecordedFromThere) {
  Script s;
  Model m(s);
  for (int i = 0; i < 3; ++i) s.free(step(s, m.weights, s.alloc(8), 1));
  const StorageId odd = s.call(1, {s.alloc(8), m.weights[0]});
  s.free(s.call(9, {odd}));
  s.recorder.step_end();
  for (int i = 0; i < 3; ++i) s.free(step(s, m.weights, s.alloc(8), 1));
  s.check();
  EXPECT_EQ(s.recorder.counters().diverged, 1u);
  EXPECT_EQ(s.recorder.counters().template_calls, 4u * 13u + 1u);
}

TEST(Recorder, WhatIsReleasedBehindATemplateMayLeaveBeforeItsStepEnds) {
  for (const bool sent : {false, true}) {
    Script s;
    s.recorder.release_with_step();
    const StorageId weight = s.alloc(64);
    s.recorder.step_end();
    for (int i = 0; i < 4; ++i) {
      StorageId value = s.alloc(8);
      for (int k = 0; k < 10; ++k) value = s.call(1, {value, weight});
      if (sent) s.send();
      s.free(value);
      s.recorder.step_end();
      s.replay.take(s.recorder.take());
      EXPECT_EQ(s.replay.lines.back(), "free " + std::to_string(value)) << i;
    }
    s.check();
    EXPECT_GT(s.recorder.counters().template_calls, 0u);
  }
}

TEST(Recorder, TemplatesWithTheSamePrefixTakeOverFromEachOther) {
  Script s;
  Model m(s);
  const auto variant = [&](SignatureId last) {
    StorageId v = s.alloc(8);
    for (int i = 0; i < 10; ++i) v = s.call(1, {v, m.weights[0]});
    s.call(last, {v});
    s.recorder.step_end();
  };
  for (int i = 0; i < 8; ++i) variant(20 + i % 2);
  s.check();
  EXPECT_EQ(s.recorder.counters().templates, 2u);
  EXPECT_EQ(s.recorder.counters().diverged, 0u + 1u);  // the first of the second kind
}

TEST(Recorder, AliasedOperandsAreAnotherWindow) {
  Script s;
  const StorageId a = s.alloc(8), b = s.alloc(8);
  s.recorder.step_end();
  const auto window = [&](StorageId x, StorageId y) {
    StorageId v = s.call(1, {x, y});
    for (int i = 0; i < 10; ++i) v = s.call(2, {v, x, y});
    s.recorder.step_end();
  };
  for (int i = 0; i < 3; ++i) window(a, b);
  const auto before = s.recorder.counters().template_calls;
  window(a, a);
  EXPECT_EQ(s.recorder.counters().template_calls, before);
  s.check();
}

TEST(Recorder, LoopsWithoutStepsEndTheirWindowsAtWaits) {
  Script s;
  Model m(s);
  for (int i = 0; i < 4; ++i) {
    StorageId v = s.alloc(8);
    for (int k = 0; k < 10; ++k) v = s.call(1, {v, m.weights[0]});
    s.read(v);
  }
  s.check();
  EXPECT_EQ(s.recorder.counters().templates, 1u);
  EXPECT_EQ(s.recorder.counters().template_calls, 20u);
}

TEST(Recorder, EvaluationBetweenStepsIsFoundByItsWaits) {
  Script s;
  Model m(s);
  const auto evaluate = [&] {
    StorageId v = s.alloc(8);
    for (const StorageId w : m.weights) v = s.call(1, {v, w});
    for (int k = 0; k < 6; ++k) v = s.call(7, {v});
    s.read(v);
  };
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 4; ++i) s.free(step(s, m.weights, s.alloc(8), i));
    for (int i = 0; i < 2; ++i) evaluate();
  }
  s.check();
  EXPECT_LE(s.recorder.counters().diverged, 3u);
}

TEST(Recorder, AReadAtTheSamePlaceIsSentAhead) {
  Script s;
  Model m(s);
  for (int i = 0; i < 6; ++i) {
    const StorageId loss = step(s, m.weights, s.alloc(8), 1);
    s.read(loss);
    s.free(loss);
  }
  s.check();
  // Followed: steps 3 to 6. The read after step 3 is remembered.
  EXPECT_EQ(s.recorder.counters().pushed_reads, 3u);
  EXPECT_EQ(s.recorder.counters().pushed_hits, 3u);
}

TEST(Recorder, AReadInTheMiddleOfATemplateIsSentAheadToo) {
  Script s;
  Model m(s);
  const auto window = [&](bool read) {
    StorageId v = s.alloc(8);
    for (int k = 0; k < 6; ++k) v = s.call(1, {v, m.weights[0]});
    if (read) s.read(v);
    for (int k = 0; k < 6; ++k) v = s.call(2, {v, m.weights[1]});
    s.recorder.step_end();
  };
  for (int i = 0; i < 3; ++i) window(false);
  for (int i = 0; i < 4; ++i) window(true);
  EXPECT_EQ(s.recorder.counters().pushed_hits, 3u);
  s.check();
}

TEST(Recorder, ReadsThatStopAreFetchedOnceMoreAtMost) {
  Script s;
  Model m(s);
  for (int i = 0; i < 5; ++i) s.read(step(s, m.weights, s.alloc(8), 1));
  const auto before = s.recorder.counters().pushed_reads;
  for (int i = 0; i < 5; ++i) step(s, m.weights, s.alloc(8), 1);
  EXPECT_EQ(s.recorder.counters().pushed_reads, before + 1);
  EXPECT_EQ(s.recorder.take_abandoned().size(), 1u);
  s.check();
}

TEST(Recorder, WhatWasFetchedDoesNotOutliveTheNextNode) {
  Script s;
  Model m(s);
  StorageId loss = 0;
  for (int i = 0; i < 4; ++i) {
    loss = step(s, m.weights, s.alloc(8), 1);
    s.read(loss);
  }
  loss = step(s, m.weights, s.alloc(8), 1);  // fetched ahead
  s.call(5, {loss});                         // may write it
  const auto hits = s.recorder.counters().pushed_hits;
  s.read(loss);
  EXPECT_EQ(s.recorder.counters().pushed_hits, hits);
  s.check();
}

TEST(Recorder, UploadsThatMakeAStorageCutNothing) {
  Script s;
  Model m(s);
  for (int i = 0; i < 4; ++i) {
    const StorageId input = s.fresh();
    StorageId v = s.call(1, {m.weights[0], m.weights[1]});
    s.recorder.upload(input, 4, 0, "abcd", true);
    for (int k = 0; k < 10; ++k) v = s.call(2, {v, input});
    s.recorder.step_end();
    s.send();
  }
  EXPECT_EQ(s.replay.error, "");
  EXPECT_EQ(s.recorder.counters().template_calls, 22u);
  EXPECT_EQ(s.recorder.pending_bytes(), 0u);
}

TEST(Recorder, UploadsIntoAStorageKeepTheirPlace) {
  Script s;
  const StorageId a = s.alloc(4);
  s.call(1, {a});
  s.recorder.upload(a, 4, 0, "abcd", false);
  s.expected.push_back("upload " + std::to_string(a));
  s.call(2, {a});
  s.check();
}

TEST(Recorder, TheBookOfTemplatesIsBounded) {
  RecorderOptions options;
  options.book.templates_max = 4;
  Script s(options);
  Model m(s);
  for (int kind = 0; kind < 12; ++kind) {
    for (int i = 0; i < 4; ++i) {
      StorageId v = s.alloc(8);
      for (int k = 0; k < 10; ++k) v = s.call(30 + kind, {v, m.weights[0]});
      s.recorder.step_end();
    }
  }
  s.check();
  EXPECT_LE(s.recorder.counters().templates, 4u);
}

TEST(Recorder, WithoutTemplatesEverythingIsStreamed) {
  RecorderOptions options;
  options.templates = false;
  Script s(options);
  Model m(s);
  for (int i = 0; i < 5; ++i) s.free(step(s, m.weights, s.alloc(8), 1));
  s.check();
  EXPECT_EQ(s.recorder.counters().template_calls, 0u);
}

TEST(Recorder, EndlessWindowsEnd) {
  RecorderOptions options;
  options.window_nodes_max = 32;
  Script s(options);
  StorageId v = s.alloc(8);
  for (int i = 0; i < 500; ++i) v = s.call(1, {v});
  s.check();
  EXPECT_GT(s.recorder.counters().windows, 10u);
}

// Whatever a script does, a Worker executes exactly that.
TEST(Recorder, AnyScriptIsExecutedAsRecorded) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    RecorderOptions options;
    options.book.templates_max = 1 + random() % 4;
    options.book.nodes_min = 2;
    Script s(options);
    Model m(s, 3);
    std::vector<StorageId> live;
    for (int i = 0; i < 60; ++i) {
      const uint32_t what = random() % 10;
      if (what < 6) {
        StorageId v = s.alloc(8);
        const uint32_t length = 3 + random() % 3;
        for (uint32_t k = 0; k < length; ++k) v = s.call(1 + k, {v, m.weights[k % 3]}, random());
        live.push_back(v);
        if (random() % 2) s.recorder.step_end();
      } else if (what < 7 && !live.empty()) {
        s.read(live.back());
      } else if (what < 8 && !live.empty()) {
        s.free(live.back());
        live.pop_back();
      } else if (what < 9) {
        s.send();
      } else {
        s.recorder.step_end();
      }
    }
    s.check();
    ASSERT_FALSE(HasFatalFailure()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace moai::driver
