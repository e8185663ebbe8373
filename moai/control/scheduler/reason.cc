#include "moai/control/scheduler/reason.h"

namespace moai::control {

std::string reason_text(Cause cause, const ReasonFacts& facts) {
  const std::string& name = facts.device_name;
  const std::string reset = facts.accelerator
                                ? "moreh-smi -i " + std::to_string(*facts.accelerator) + " --reset"
                                : "moreh-smi --reset";
  const std::string pid = std::to_string(facts.holder_pid);
  switch (cause) {
    case Cause::kInUse:
      return name + " is already in use by another process:\n  (pid: " + pid + ") " +
             facts.holder_command +
             "\nOnly one process can use it at a time. This program will resume automatically "
             "after process " +
             pid + " ends. To end that process's job now, run \"" + reset + "\".";
    case Cause::kNoFreeDevice:
      return "Not enough resources are currently available for " + name + ". All devices that " +
             facts.flavor +
             " could use are taken. The program will resume automatically when they are free.";
    case Cause::kNoAgent:
      return "No node with devices is connected to the server, so " + name +
             " cannot start. The program will resume automatically when one connects.";
    case Cause::kFlavorNotSupported:
      return "The flavor " + facts.flavor + " has " + std::to_string(facts.flavor_devices) +
             " devices, more than a job can compute on here. Choose a smaller flavor: run "
             "\"moreh-switch-model\".";
    case Cause::kQuota:
      return "The jobs of this token already use as many devices as it may (" +
             std::to_string(facts.devices_max) + "), so " + name +
             " must wait. The program will resume automatically when one of them ends.";
    case Cause::kHeldByAncestor:
      return name + " is in use by the process that has started this one:\n  (pid: " + pid + ") " +
             facts.holder_command +
             "\nThis program does not wait for it, because that one may be waiting for this "
             "program. Use the device in only one of them, or choose another accelerator for this "
             "program with MOREH_VISIBLE_DEVICE.";
    case Cause::kTooFewDevices:
      return "The flavor " + facts.flavor + " has " + std::to_string(facts.flavor_devices) +
             " devices, more than the nodes that are connected to the server, so " + name +
             " cannot start. The program will resume automatically when more nodes connect. For a "
             "smaller flavor end it and run \"moreh-switch-model\".";
    case Cause::kOverLimit:
      return "The flavor " + facts.flavor + " has " + std::to_string(facts.flavor_devices) +
             " devices, and the jobs of this token may use at most " +
             std::to_string(facts.devices_max) +
             ". Choose a smaller flavor: run \"moreh-switch-model\".";
    case Cause::kNone:
      break;
  }
  return {};
}

}  // namespace moai::control
