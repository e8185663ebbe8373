// Properties of what the simulator says of any schedule.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "moai/compiler/schedule/order.h"
#include "moai/compiler/schedule/simulate.h"
#include "moai/compiler/schedule/verify.h"

namespace moai::compiler::schedule {
namespace {

class RandomOrders {
 public:
  explicit RandomOrders(uint32_t seed) : random_(seed) {}

  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_() % n); }
  double seconds() { return 0.1 + below(1000) / 250.0; }

  // Stages anywhere, tasks in any order that their dependencies allow, backwards whole or split.
  Schedule schedule() {
    Schedule s{.micro_batches = 1 + below(6), .device_of = {}, .order = {}};
    const uint32_t devices = 1 + below(5);
    s.order.resize(devices);
    for (uint32_t stages = 1 + below(8); stages > 0; --stages) {
      s.device_of.push_back(below(devices));
    }
    std::vector<Task> ready;
    for (uint32_t j = 0; j < s.micro_batches; ++j) ready.push_back({Kind::kForward, 0, j});
    while (!ready.empty()) {
      std::swap(ready[below(static_cast<uint32_t>(ready.size()))], ready.back());
      const Task task = ready.back();
      ready.pop_back();
      s.order[s.device_of[task.stage]].push_back(task);
      release(task, s.stages(), &ready);
    }
    return s;
  }

  Costs costs(size_t stages) {
    Costs c;
    for (size_t i = 0; i < stages; ++i) {
      c.stages.push_back({seconds(), seconds(), seconds(), seconds() / 8, seconds() / 8, 30, 10});
    }
    return c;
  }

 private:
  void release(const Task& task, size_t stages, std::vector<Task>* ready) {
    const Kind backward = below(2) ? Kind::kBackward : Kind::kInputGradient;
    const uint32_t s = task.stage;
    if (task.kind == Kind::kForward && s + 1 < stages) {
      ready->push_back({Kind::kForward, s + 1, task.micro_batch});
    } else if (task.kind == Kind::kForward) {
      ready->push_back({backward, s, task.micro_batch});
    } else if (task.kind != Kind::kWeightGradient && s > 0) {
      ready->push_back({backward, s - 1, task.micro_batch});
    }
    if (task.kind == Kind::kInputGradient) {
      ready->push_back({Kind::kWeightGradient, s, task.micro_batch});
    }
  }

  std::mt19937 random_;
};

// Of micro-batch 0, from its first forward to the end of its last input gradient.
double critical_path(const Schedule& s, const Costs& costs) {
  double path = 0;
  for (uint32_t stage = 0; stage < s.stages(); ++stage) {
    path += costs.stages[stage].forward_s + costs.stages[stage].input_gradient_s +
            transfer_in_s(s, costs, {Kind::kForward, stage, 0}) +
            transfer_in_s(s, costs, {Kind::kInputGradient, stage, 0});
  }
  return path;
}

double work_of(const Schedule& s, const Costs& costs, size_t d) {
  double work = 0;
  for (const Task& t : s.order[d]) work += duration_s(costs.stages[t.stage], t.kind);
  return work;
}

double end_of(const Schedule& s, const Simulation& simulation, const Task& needed) {
  const uint32_t d = s.device_of[needed.stage];
  for (size_t i = 0; i < s.order[d].size(); ++i) {
    const Task& t = s.order[d][i];
    if (t.stage == needed.stage && t.micro_batch == needed.micro_batch &&
        t.kind != Kind::kWeightGradient &&
        (t.kind == Kind::kForward) == (needed.kind == Kind::kForward)) {
      return simulation.spans[d][i].end_s;
    }
  }
  ADD_FAILURE() << to_string(needed) << " is on no device";
  return 0;
}

TEST(RandomOrders, TakeAtLeastTheirWorkAndTheirLongestPath) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    RandomOrders random(seed);
    const Schedule s = random.schedule();
    const Costs costs = random.costs(s.stages());
    const Result<Simulation> simulation = simulate(s, costs);
    ASSERT_TRUE(simulation.ok()) << seed << " " << simulation.status().to_string();
    EXPECT_GE(simulation->makespan_s, critical_path(s, costs) - 1e-9) << seed;
    for (size_t d = 0; d < s.devices(); ++d) {
      EXPECT_NEAR(simulation->devices[d].busy_s, work_of(s, costs, d), 1e-9) << seed;
      EXPECT_GE(simulation->longest_device_s, work_of(s, costs, d) - 1e-9) << seed;
    }
    EXPECT_GE(simulation->makespan_s, simulation->longest_device_s);
  }
}

TEST(RandomOrders, EachTaskBeginsAsSoonAsItsDeviceAndWhatItNeedsAllow) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    RandomOrders random(seed);
    const Schedule s = random.schedule();
    const Costs costs = random.costs(s.stages());
    const Result<Simulation> simulation = simulate(s, costs);
    ASSERT_TRUE(simulation.ok());
    for (size_t d = 0; d < s.devices(); ++d) {
      double free = 0;
      for (size_t i = 0; i < s.order[d].size(); ++i) {
        double begin = free;
        if (const auto needed = dependency_of(s.order[d][i], s.stages())) {
          begin = std::max(
              begin, end_of(s, *simulation, *needed) + transfer_in_s(s, costs, s.order[d][i]));
        }
        EXPECT_NEAR(simulation->spans[d][i].begin_s, begin, 1e-9) << seed;
        free = simulation->spans[d][i].end_s;
      }
    }
  }
}

TEST(RandomOrders, ExposedTransfersNeverShortenAStep) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    RandomOrders random(seed);
    const Schedule s = random.schedule();
    Costs costs = random.costs(s.stages());
    const double overlapped = simulate(s, costs)->makespan_s;
    for (const Transfer transfer : {Transfer::kSender, Transfer::kReceiver}) {
      costs.transfer = transfer;
      EXPECT_GE(simulate(s, costs)->makespan_s, overlapped - 1e-9) << seed;
    }
  }
}

TEST(RandomOrders, SwappedTasksRunOrAreRefusedAsADeadlock) {
  int refused = 0;
  for (uint32_t seed = 0; seed < 500; ++seed) {
    RandomOrders random(seed);
    Schedule s = random.schedule();
    std::vector<Task>& order = s.order[random.below(static_cast<uint32_t>(s.devices()))];
    if (order.size() < 2) continue;
    const auto size = static_cast<uint32_t>(order.size());
    std::swap(order[random.below(size)], order[random.below(size)]);
    const Status status = verify(s);
    if (status.ok()) continue;
    EXPECT_NE(status.message().find("wait for each other in a circle"), std::string::npos)
        << seed << " " << status.to_string();
    ++refused;
  }
  EXPECT_GT(refused, 100);
}

TEST(RandomOrders, LostAndRepeatedTasksAreRefused) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    RandomOrders random(seed);
    Schedule s = random.schedule();
    std::vector<Task>& order = s.order[s.device_of[0]];
    const uint32_t at = random.below(static_cast<uint32_t>(order.size()));
    if (seed % 2) {
      order.erase(order.begin() + at);
    } else {
      order.push_back(order[at]);
    }
    EXPECT_EQ(verify(s).code(), Code::kInvalidArgument) << seed;
  }
}

}  // namespace
}  // namespace moai::compiler::schedule
