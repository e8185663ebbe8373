#include "moai/compiler/schedule/weight_gradients.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <queue>
#include <utility>

#include "moai/compiler/schedule/order.h"

namespace moai::compiler::schedule {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kNotYet = -1;

// Plays the skeleton in the order of time, so that at each decision everything that began before is
// known, and for the rest the earliest time at which it can come.
class Placement {
 public:
  Placement(const Schedule& skeleton, const Costs& costs, const std::vector<int64_t>& limit_bytes,
            const Filling& filling)
      : skeleton_(skeleton),
        costs_(costs),
        limit_bytes_(limit_bytes),
        filling_(filling),
        forward_end_(skeleton.stages() * skeleton.micro_batches, kNotYet),
        gradient_end_(forward_end_),
        devices_(skeleton.devices()) {
    result_.micro_batches = skeleton.micro_batches;
    result_.device_of = skeleton.device_of;
    result_.order.resize(skeleton.devices());
  }

  std::optional<Schedule> run() && {
    for (uint32_t d = 0; d < devices_.size(); ++d) wakes_.push({0, d});
    while (!wakes_.empty()) {
      const Wake wake = wakes_.top();
      wakes_.pop();
      if (wake.at_s < devices_[wake.device].free_s) continue;
      if (!decide(wake.device, wake.at_s)) return std::nullopt;
    }
    return std::move(result_);
  }

 private:
  struct Device {
    size_t next = 0;  // of the skeleton's order
    double free_s = 0;
    double waited_s = 0;
    int64_t bytes = 0;
    std::vector<Task> waiting;  // weight gradients
    size_t placed = 0;          // of those
    bool asleep = false;        // until a neighbour begins something
  };
  struct Wake {
    double at_s;
    uint32_t device;
    bool operator>(const Wake& o) const {
      return at_s != o.at_s ? at_s > o.at_s : device > o.device;
    }
  };
  struct Arrival {
    double at_s;
    bool known;
  };

  double& end_of(const Task& task) {
    std::vector<double>& ends = task.kind == Kind::kForward ? forward_end_ : gradient_end_;
    return ends[size_t{task.stage} * skeleton_.micro_batches + task.micro_batch];
  }

  // The next task of the skeleton, a whole backward as its first part; nothing at the end.
  std::optional<Task> next_of(uint32_t d) {
    const std::vector<Task>& order = skeleton_.order[d];
    size_t& next = devices_[d].next;
    while (next < order.size() && order[next].kind == Kind::kWeightGradient) ++next;
    if (next == order.size()) return std::nullopt;
    Task task = order[next];
    if (task.kind == Kind::kBackward) task.kind = Kind::kInputGradient;
    return task;
  }

  Arrival arrival(const Task& task, double now) {
    const std::optional<Task> needed = dependency_of(task, skeleton_.stages());
    if (!needed) return {0, true};
    const double transfer =
        costs_.transfer == Transfer::kReceiver ? 0 : transfer_in_s(skeleton_, costs_, task);
    const double end = end_of(*needed);
    if (end != kNotYet) return {end + transfer, true};
    const Device& giver = devices_[skeleton_.device_of[needed->stage]];
    return {std::max(now, giver.free_s) + duration_s(costs_.stages[needed->stage], needed->kind) +
                transfer,
            false};
  }

  bool fits(uint32_t d, const Task& task) const {
    return limit_bytes_.empty() || task.kind != Kind::kForward ||
           devices_[d].bytes + costs_.stages[task.stage].held_bytes <= limit_bytes_[d];
  }

  // Begins a task on `d`, which is free, or lets it sleep. False if memory can never suffice.
  bool decide(uint32_t d, double now) {
    Device& device = devices_[d];
    device.asleep = false;
    const std::optional<Task> next = next_of(d);
    const Arrival due = next ? arrival(*next, now) : Arrival{kNever, true};
    const bool ready = next && due.known && due.at_s <= now;
    const bool has_room = !next || fits(d, *next);
    if (ready && has_room) {
      ++device.next;
      begin(d, *next, now);
    } else if (device.placed < device.waiting.size() && (ready || worth_it(d, due.at_s - now))) {
      begin(d, device.waiting[device.placed++], now);
    } else if (ready) {
      return false;
    } else if (next && due.known) {
      wakes_.push({due.at_s, d});
    } else {
      device.asleep = true;
    }
    return true;
  }

  bool worth_it(uint32_t d, double gap) const {
    const Device& device = devices_[d];
    const StageCost& cost = costs_.stages[device.waiting[device.placed].stage];
    return gap >= filling_.least_gap * cost.weight_gradient_s ||
           (filling_.spare_the_longest && device.waited_s + gap > longest_wait_s_);
  }

  void begin(uint32_t d, const Task& task, double now) {
    Device& device = devices_[d];
    if (!result_.order[d].empty()) {
      device.waited_s += now - device.free_s;
      longest_wait_s_ = std::max(longest_wait_s_, device.waited_s);
    }
    if (costs_.transfer == Transfer::kReceiver) now += transfer_in_s(skeleton_, costs_, task);
    const double end = now + duration_s(costs_.stages[task.stage], task.kind);
    const double sent = end + transfer_out_s(skeleton_, costs_, task);
    device.free_s = costs_.transfer == Transfer::kSender ? sent : end;
    device.bytes += bytes_change(costs_.stages[task.stage], task.kind);
    result_.order[d].push_back(task);
    wakes_.push({device.free_s, d});
    if (task.kind == Kind::kInputGradient) {
      device.waiting.push_back({Kind::kWeightGradient, task.stage, task.micro_batch});
    }
    if (task.kind != Kind::kWeightGradient) end_of(task) = end;
    if (task.stage > 0) wake(task.stage - 1, d, now);
    if (task.stage + 1 < skeleton_.stages()) wake(task.stage + 1, d, now);
  }

  // A neighbour that sleeps looks again: what it waits for is known, or is known to come later.
  void wake(uint32_t stage, uint32_t from, double now) {
    const uint32_t d = skeleton_.device_of[stage];
    if (d != from && devices_[d].asleep) wakes_.push({std::max(now, devices_[d].free_s), d});
  }

  const Schedule& skeleton_;
  const Costs& costs_;
  const std::vector<int64_t>& limit_bytes_;
  const Filling& filling_;
  std::vector<double> forward_end_;
  std::vector<double> gradient_end_;
  std::vector<Device> devices_;
  double longest_wait_s_ = 0;
  std::priority_queue<Wake, std::vector<Wake>, std::greater<>> wakes_;
  Schedule result_;
};

}  // namespace

std::optional<Schedule> place_weight_gradients(const Schedule& skeleton, const Costs& costs,
                                               const std::vector<int64_t>& limit_bytes,
                                               const Filling& filling) {
  return Placement(skeleton, costs, limit_bytes, filling).run();
}

}  // namespace moai::compiler::schedule
