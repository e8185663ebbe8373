#include "moai/compiler/schedule/order.h"

#include <algorithm>

namespace moai::compiler::schedule {
namespace {

uint8_t bit_of(Kind kind) { return static_cast<uint8_t>(1U << static_cast<unsigned>(kind)); }

constexpr uint8_t kWhole = 0b0011;
constexpr uint8_t kSplit = 0b1101;

std::string on_device(size_t d) { return " on device " + std::to_string(d); }

Status check_place(const Schedule& s, size_t device, const Task& task) {
  if (task.stage >= s.stages() || task.micro_batch >= s.micro_batches) {
    return invalid_argument("[compiler.schedule] no such task: " + to_string(task) +
                            on_device(device) + ", with " + std::to_string(s.stages()) +
                            " stages and " + std::to_string(s.micro_batches) + " micro-batches");
  }
  if (s.device_of[task.stage] != device) {
    return invalid_argument(
        "[compiler.schedule] task on a device without its stage: " + to_string(task) +
        on_device(device) + ", the stage lies" + on_device(s.device_of[task.stage]));
  }
  return ok_status();
}

Status missing(const Task& task, uint8_t seen) {
  std::string found;
  for (const Kind kind :
       {Kind::kForward, Kind::kBackward, Kind::kInputGradient, Kind::kWeightGradient}) {
    if (seen & bit_of(kind)) {
      found += (found.empty() ? "" : ", ") + to_string({kind, task.stage, task.micro_batch});
    }
  }
  return invalid_argument(
      "[compiler.schedule] a micro-batch needs one F and either one B or one BI and one BW in each "
      "stage: stage " +
      std::to_string(task.stage) + ", micro-batch " + std::to_string(task.micro_batch) + " has " +
      (found.empty() ? "nothing" : found));
}

// Whether `task` is what stands for `dependency`.
bool gives(const Task& task, const Task& dependency) {
  if (task.stage != dependency.stage || task.micro_batch != dependency.micro_batch) return false;
  return task.kind == dependency.kind ||
         (dependency.kind == Kind::kInputGradient && task.kind == Kind::kBackward);
}

}  // namespace

std::optional<Task> dependency_of(const Task& task, size_t stages) {
  const uint32_t s = task.stage;
  switch (task.kind) {
    case Kind::kForward:
      if (s == 0) return std::nullopt;
      return Task{Kind::kForward, s - 1, task.micro_batch};
    case Kind::kBackward:
    case Kind::kInputGradient:
      if (s + 1 == stages) return Task{Kind::kForward, s, task.micro_batch};
      return Task{Kind::kInputGradient, s + 1, task.micro_batch};
    case Kind::kWeightGradient:
      return Task{Kind::kInputGradient, s, task.micro_batch};
  }
  return std::nullopt;
}

Status check_tasks(const Schedule& schedule) {
  for (const uint32_t d : schedule.device_of) {
    if (d >= schedule.devices()) {
      return invalid_argument("[compiler.schedule] a stage lies on a device without an order:" +
                              on_device(d) + " of " + std::to_string(schedule.devices()));
    }
  }
  std::vector<uint8_t> seen(schedule.stages() * schedule.micro_batches);
  for (size_t d = 0; d < schedule.devices(); ++d) {
    for (const Task& task : schedule.order[d]) {
      MOAI_RETURN_IF_ERROR(check_place(schedule, d, task));
      uint8_t& bits = seen[size_t{task.stage} * schedule.micro_batches + task.micro_batch];
      if (bits & bit_of(task.kind)) {
        return invalid_argument("[compiler.schedule] a task runs twice: " + to_string(task) +
                                on_device(d));
      }
      bits |= bit_of(task.kind);
    }
  }
  for (uint32_t stage = 0; stage < schedule.stages(); ++stage) {
    for (uint32_t j = 0; j < schedule.micro_batches; ++j) {
      const uint8_t bits = seen[size_t{stage} * schedule.micro_batches + j];
      if (bits != kWhole && bits != kSplit) return missing({Kind::kForward, stage, j}, bits);
    }
  }
  return ok_status();
}

Status deadlock(const Schedule& schedule, const std::vector<size_t>& cursor) {
  const auto stands = [&](size_t d) { return cursor[d] < schedule.order[d].size(); };
  size_t d = 0;
  while (d + 1 < schedule.devices() && !stands(d)) ++d;
  std::vector<size_t> path;
  std::string waits;
  while (std::find(path.begin(), path.end(), d) == path.end()) {
    path.push_back(d);
    d = schedule.device_of[dependency_of(schedule.order[d][cursor[d]], schedule.stages())->stage];
  }
  path.erase(path.begin(), std::find(path.begin(), path.end(), d));
  for (const size_t waiting : path) {
    const Task& task = schedule.order[waiting][cursor[waiting]];
    const Task needed = *dependency_of(task, schedule.stages());
    const std::vector<Task>& order = schedule.order[schedule.device_of[needed.stage]];
    const auto giver =
        std::find_if(order.begin(), order.end(), [&](const Task& t) { return gives(t, needed); });
    waits += (waits.empty() ? "" : "; ") + to_string(task) + on_device(waiting) + " waits for " +
             to_string(*giver) + on_device(schedule.device_of[needed.stage]);
  }
  return invalid_argument("[compiler.schedule] tasks wait for each other in a circle: " + waits +
                          "; let what is waited for come earlier in its device's order");
}

}  // namespace moai::compiler::schedule
