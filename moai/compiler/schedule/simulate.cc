#include "moai/compiler/schedule/simulate.h"

#include <algorithm>
#include <utility>

#include "moai/compiler/schedule/order.h"

namespace moai::compiler::schedule {
namespace {

constexpr double kNotYet = -1;

class Play {
 public:
  Play(const Schedule& schedule, const Costs& costs)
      : schedule_(schedule),
        costs_(costs),
        forward_end_(schedule.stages() * schedule.micro_batches, kNotYet),
        gradient_end_(forward_end_),
        cursor_(schedule.devices()),
        devices_(schedule.devices()) {
    result_.spans.resize(schedule.devices());
    result_.devices.resize(schedule.devices());
    for (uint32_t d = 0; d < schedule.devices(); ++d) {
      result_.spans[d].reserve(schedule.order[d].size());
      runnable_.push_back(d);
    }
  }

  Status run() {
    while (!runnable_.empty()) {
      const uint32_t d = runnable_.back();
      runnable_.pop_back();
      while (cursor_[d] < schedule_.order[d].size() && step(d)) {
      }
    }
    for (size_t d = 0; d < schedule_.devices(); ++d) {
      if (cursor_[d] < schedule_.order[d].size()) return deadlock(schedule_, cursor_);
    }
    return ok_status();
  }

  Simulation take() && {
    for (size_t d = 0; d < schedule_.devices(); ++d) {
      DeviceLoad& load = result_.devices[d];
      if (!result_.spans[d].empty()) {
        load.begin_s = result_.spans[d].front().begin_s;
        load.end_s = result_.spans[d].back().end_s;
      }
      result_.makespan_s = std::max(result_.makespan_s, load.end_s);
      result_.longest_device_s = std::max(result_.longest_device_s, load.end_s - load.begin_s);
    }
    return std::move(result_);
  }

 private:
  struct Device {
    double free_s = 0;
    uint32_t in_flight = 0;
    int64_t bytes = 0;
  };

  double& end_of(const Task& task) {
    std::vector<double>& ends = task.kind == Kind::kForward ? forward_end_ : gradient_end_;
    return ends[size_t{task.stage} * schedule_.micro_batches + task.micro_batch];
  }

  // Runs the next task of `d`; false if what it needs has no end yet.
  bool step(uint32_t d) {
    const Task& task = schedule_.order[d][cursor_[d]];
    Device& device = devices_[d];
    double begin = device.free_s;
    if (const std::optional<Task> needed = dependency_of(task, schedule_.stages())) {
      const double end = end_of(*needed);
      if (end == kNotYet) return false;
      const double transfer = transfer_in_s(schedule_, costs_, task);
      begin = costs_.transfer == Transfer::kReceiver ? std::max(begin, end) + transfer
                                                     : std::max(begin, end + transfer);
    }
    finish(d, task, begin, begin + duration_s(costs_.stages[task.stage], task.kind));
    ++cursor_[d];
    return true;
  }

  void finish(uint32_t d, const Task& task, double begin, double end) {
    Device& device = devices_[d];
    DeviceLoad& load = result_.devices[d];
    result_.spans[d].push_back({begin, end});
    load.busy_s += end - begin;
    device.free_s = end;
    if (costs_.transfer == Transfer::kSender) {
      device.free_s += transfer_out_s(schedule_, costs_, task);
    }
    device.bytes += bytes_change(costs_.stages[task.stage], task.kind);
    load.bytes_max = std::max(load.bytes_max, device.bytes);
    if (task.kind == Kind::kWeightGradient) return;
    device.in_flight += task.kind == Kind::kForward ? 1 : -1;
    load.in_flight_max = std::max(load.in_flight_max, device.in_flight);
    end_of(task) = end;
    wake_reader(d, task);
  }

  // Puts the device back that stood before the one task which needs this one.
  void wake_reader(uint32_t d, const Task& task) {
    const bool forward = task.kind == Kind::kForward;
    if (forward ? task.stage + 1 == schedule_.stages() : task.stage == 0) return;
    const uint32_t stage = forward ? task.stage + 1 : task.stage - 1;
    const uint32_t reader = schedule_.device_of[stage];
    if (reader == d || cursor_[reader] == schedule_.order[reader].size()) return;
    const Task& head = schedule_.order[reader][cursor_[reader]];
    const bool reads = head.stage == stage && head.micro_batch == task.micro_batch &&
                       head.kind != Kind::kWeightGradient &&
                       (head.kind == Kind::kForward) == forward;
    if (reads) runnable_.push_back(reader);
  }

  const Schedule& schedule_;
  const Costs& costs_;
  std::vector<double> forward_end_;
  std::vector<double> gradient_end_;
  std::vector<size_t> cursor_;
  std::vector<Device> devices_;
  std::vector<uint32_t> runnable_;
  Simulation result_;
};

}  // namespace

Result<Simulation> simulate(const Schedule& schedule, const Costs& costs) {
  if (costs.stages.size() != schedule.stages()) {
    return invalid_argument("[compiler.schedule] costs of " + std::to_string(costs.stages.size()) +
                            " stages for a schedule of " + std::to_string(schedule.stages()));
  }
  MOAI_RETURN_IF_ERROR(check_tasks(schedule));
  Play play(schedule, costs);
  MOAI_RETURN_IF_ERROR(play.run());
  return std::move(play).take();
}

double step_s(const Simulation& simulation, StepEnd end) {
  return end == StepEnd::kTogether ? simulation.makespan_s : simulation.longest_device_s;
}

double bubble(const Simulation& simulation, StepEnd end) {
  double sum = 0;
  for (size_t d = 0; d < simulation.devices.size(); ++d) sum += bubble(simulation, end, d);
  return simulation.devices.empty() ? 0 : sum / static_cast<double>(simulation.devices.size());
}

double bubble(const Simulation& simulation, StepEnd end, size_t device) {
  const double step = step_s(simulation, end);
  return step > 0 ? 1 - simulation.devices[device].busy_s / step : 0;
}

}  // namespace moai::compiler::schedule
