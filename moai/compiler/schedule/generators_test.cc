#include "moai/compiler/schedule/generators.h"

#include <gtest/gtest.h>

#include <functional>

#include "moai/compiler/schedule/verify.h"

namespace moai::compiler::schedule {
namespace {

// "F0.1" is the forward of micro-batch 1 in stage 0.
std::string text_of(const std::vector<Task>& order) {
  static constexpr const char* kNames[] = {"F", "B", "I", "W"};
  std::string text;
  for (const Task& t : order) {
    text += (text.empty() ? "" : " ") + std::string(kNames[static_cast<int>(t.kind)]) +
            std::to_string(t.stage) + "." + std::to_string(t.micro_batch);
  }
  return text;
}

struct Generator {
  const char* name;
  std::function<Schedule(uint32_t devices, uint32_t micro_batches)> make;
};

const std::vector<Generator>& generators() {
  static const std::vector<Generator> kAll = {
      {"gpipe", gpipe},
      {"1f1b", one_forward_one_backward},
      {"interleaved 1", [](uint32_t p, uint32_t m) { return interleaved(p, 1, m); }},
      {"interleaved 2", [](uint32_t p, uint32_t m) { return interleaved(p, 2, m); }},
      {"interleaved 5", [](uint32_t p, uint32_t m) { return interleaved(p, 5, m); }},
      {"long groups", [](uint32_t p, uint32_t m) { return interleaved(p, 3, m, p + 2); }},
      {"zb-h1", zb_h1},
      {"zb-h2", zb_h2},
      {"zb-v", zb_v},
      {"v-half", v_half},
      {"v-min", v_min}};
  return kAll;
}

void for_all_shapes(const std::function<void(const Generator&, const Schedule&)>& check) {
  for (const Generator& g : generators()) {
    for (uint32_t devices = 1; devices <= 9; ++devices) {
      for (uint32_t m = 1; m <= 3 * devices + 2; ++m) {
        SCOPED_TRACE(std::string(g.name) + " " + std::to_string(devices) + " devices, " +
                     std::to_string(m) + " micro-batches");
        check(g, g.make(devices, m));
      }
    }
  }
}

TEST(Generators, OneForwardOneBackwardIsTheTextbooks) {
  const Schedule s = one_forward_one_backward(3, 4);
  EXPECT_EQ(text_of(s.order[0]), "F0.0 F0.1 F0.2 B0.0 F0.3 B0.1 B0.2 B0.3");
  EXPECT_EQ(text_of(s.order[1]), "F1.0 F1.1 B1.0 F1.2 B1.1 F1.3 B1.2 B1.3");
  EXPECT_EQ(text_of(s.order[2]), "F2.0 B2.0 F2.1 B2.1 F2.2 B2.2 F2.3 B2.3");
}

TEST(Generators, GPipeRunsAllForwardsFirst) {
  EXPECT_EQ(text_of(gpipe(2, 3).order[1]), "F1.0 F1.1 F1.2 B1.0 B1.1 B1.2");
}

TEST(Generators, InterleavedTakesChunksInGroups) {
  const Schedule s = interleaved(2, 2, 4);
  EXPECT_EQ(s.device_of, (std::vector<uint32_t>{0, 1, 0, 1}));
  EXPECT_EQ(text_of(s.order[0]),
            "F0.0 F0.1 F2.0 F2.1 F0.2 B2.0 F0.3 B2.1 F2.2 B0.0 F2.3 B0.1 B2.2 B2.3 B0.2 B0.3");
  EXPECT_EQ(text_of(s.order[1]),
            "F1.0 F1.1 F3.0 B3.0 F3.1 B3.1 F1.2 B1.0 F1.3 B1.1 F3.2 B3.2 F3.3 B3.3 B1.2 B1.3");
}

TEST(Generators, WhatDoesNotDivideMakesGroupsLongerNeverShorter) {
  EXPECT_EQ(text_of(interleaved(2, 2, 3).order[0]),
            "F0.0 F0.1 F0.2 F2.0 F2.1 F2.2 B2.0 B2.1 B2.2 B0.0 B0.1 B0.2");
}

TEST(Generators, ZbH1DelaysWeightGradientsByTheDevice) {
  const Schedule s = zb_h1(2, 3);
  EXPECT_EQ(text_of(s.order[0]), "F0.0 F0.1 I0.0 W0.0 F0.2 I0.1 W0.1 I0.2 W0.2");
  EXPECT_EQ(text_of(s.order[1]), "F1.0 I1.0 F1.1 I1.1 W1.0 F1.2 I1.2 W1.1 W1.2");
}

TEST(Generators, ZbH2StartsMoreForwards) {
  EXPECT_EQ(text_of(zb_h2(2, 4).order[0]),
            "F0.0 F0.1 F0.2 I0.0 W0.0 F0.3 I0.1 W0.1 I0.2 W0.2 I0.3 W0.3");
}

TEST(Generators, ZbVGoesDownAndBackUp) {
  const Schedule s = zb_v(2, 2);
  EXPECT_EQ(s.device_of, (std::vector<uint32_t>{0, 1, 1, 0}));
  EXPECT_EQ(text_of(s.order[0]), "F0.0 F0.1 F3.0 I3.0 W3.0 F3.1 I3.1 W3.1 I0.0 W0.0 I0.1 W0.1");
  EXPECT_EQ(text_of(s.order[1]), "F1.0 F2.0 F1.1 F2.1 I2.0 W2.0 I1.0 W1.0 I2.1 I1.1 W2.1 W1.1");
}

TEST(Generators, VMinRunsEachPassOneUnitAfterTheOneBefore) {
  const Schedule s = v_min(2, 2);
  EXPECT_EQ(text_of(s.order[0]), "F0.0 F3.0 I3.0 W3.0 F0.1 I0.0 W0.0 F3.1 I3.1 W3.1 I0.1 W0.1");
  EXPECT_EQ(text_of(s.order[1]), "F1.0 F2.0 I2.0 W2.0 I1.0 W1.0 F1.1 F2.1 I2.1 W2.1 I1.1 W1.1");
}

TEST(Generators, EveryShapeIsAScheduleThatRuns) {
  for_all_shapes([](const Generator&, const Schedule& s) {
    EXPECT_TRUE(verify(s).ok()) << verify(s).to_string();
  });
}

TEST(Generators, GradientsOfAStageAreSummedInTheOrderOfMicroBatches) {
  for_all_shapes([](const Generator&, const Schedule& s) {
    std::vector<uint32_t> next(s.stages());
    for (const std::vector<Task>& order : s.order) {
      for (const Task& t : order) {
        if (t.kind == Kind::kBackward || t.kind == Kind::kWeightGradient) {
          EXPECT_EQ(t.micro_batch, next[t.stage]++);
        }
      }
    }
  });
}

TEST(Generators, NothingToScheduleIsAnEmptySchedule) {
  EXPECT_TRUE(interleaved(0, 2, 3).order.empty());
  EXPECT_TRUE(one_forward_one_backward(0, 3).order.empty());
  EXPECT_TRUE(zb_v(2, 0).order[0].empty());
}

}  // namespace
}  // namespace moai::compiler::schedule
