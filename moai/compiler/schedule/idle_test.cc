#include "moai/compiler/schedule/idle.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "moai/compiler/schedule/generators.h"

namespace moai::compiler::schedule {
namespace {

Costs two_stages(Transfer transfer) {
  Costs costs = uniform(2, {.forward_s = 1,
                            .input_gradient_s = 1,
                            .weight_gradient_s = 1,
                            .send_activation_s = 0.5,
                            .send_gradient_s = 0.5});
  costs.transfer = transfer;
  return costs;
}

std::string text_of(const std::vector<Idle>& gaps) {
  std::string text;
  for (const Idle& gap : gaps) {
    char line[160];
    static constexpr const char* kCauses[] = {"task", "transfer", "finished"};
    std::snprintf(line, sizeof line, "%u %.1f-%.1f %s %s before %s\n", gap.device, gap.span.begin_s,
                  gap.span.end_s, kCauses[static_cast<int>(gap.cause)],
                  gap.awaited ? to_string(*gap.awaited).c_str() : "-",
                  gap.next ? to_string(*gap.next).c_str() : "-");
    text += line;
  }
  return text;
}

TEST(Idle, EachGapSaysWhatItWaitsFor) {
  const Schedule s = one_forward_one_backward(2, 1);
  const Costs costs = two_stages(Transfer::kOverlapped);
  EXPECT_EQ(text_of(idle_spans(s, costs, *simulate(s, costs))),
            "0 1.0-4.5 task BI(stage 1, micro-batch 0) before B(stage 0, micro-batch 0)\n"
            "0 4.5-5.0 transfer BI(stage 1, micro-batch 0) before B(stage 0, micro-batch 0)\n"
            "1 0.0-1.0 task F(stage 0, micro-batch 0) before F(stage 1, micro-batch 0)\n"
            "1 1.0-1.5 transfer F(stage 0, micro-batch 0) before F(stage 1, micro-batch 0)\n"
            "1 4.5-7.0 finished - before -\n");
}

TEST(Idle, ASenderWaitsForItsOwnSending) {
  const Schedule s = gpipe(2, 2);
  const Costs costs = two_stages(Transfer::kSender);
  const std::vector<Idle> gaps = idle_spans(s, costs, *simulate(s, costs));
  EXPECT_EQ(text_of({gaps.front()}),
            "0 1.0-1.5 transfer F(stage 0, micro-batch 0) before F(stage 0, micro-batch 1)\n");
}

TEST(Idle, GapsAndTasksFillTheMakespan) {
  for (const Transfer transfer : {Transfer::kOverlapped, Transfer::kSender, Transfer::kReceiver}) {
    for (const Schedule& s : {zb_h2(4, 9), interleaved(4, 2, 9), zb_v(4, 9)}) {
      Costs costs = uniform(s.stages(), {1, 1.25, 0.75, 0.125, 0.25});
      costs.transfer = transfer;
      const Result<Simulation> simulation = simulate(s, costs);
      ASSERT_TRUE(simulation.ok());
      std::vector<double> idle(s.devices());
      for (const Idle& gap : idle_spans(s, costs, *simulation)) {
        idle[gap.device] += gap.span.end_s - gap.span.begin_s;
      }
      for (size_t d = 0; d < s.devices(); ++d) {
        EXPECT_NEAR(idle[d] + simulation->devices[d].busy_s, simulation->makespan_s, 1e-9);
      }
    }
  }
}

}  // namespace
}  // namespace moai::compiler::schedule
