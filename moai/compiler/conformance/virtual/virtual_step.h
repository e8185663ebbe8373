// A step of all ranks in virtual time: each rank runs its emitted program on device/fake, whose
// calls take the times of a measured table; collectives begin when all their ranks have come and
// go over the links of a cluster, which they share (transfers.h). A rank exchanges one thing at a
// time, in the order of its program; what it has started goes on beside its calls up to the wait.
#pragma once

#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "moai/compiler/conformance/virtual/emitted_step.h"
#include "moai/device/fake/timed_device.h"

namespace moai::compiler {

struct VirtualRun {
  double step_s = 0;                             // until the last rank has ended
  double waited_s = 0, exchanged_s = 0;          // of the rank that ends last, in collectives
  std::map<std::string_view, double> class_s{};  // of its calls (device::operator_class)
};

// Calls of one signature table, prepared once for all plans.
class VirtualMachine {
 public:
  // All outlive it.
  VirtualMachine(const device::TimeTable* table, const cluster::Cluster* cluster,
                 const graph::SignatureTable* signatures);

  // NOT_FOUND for a call without a time; INTERNAL where ranks do not fit together.
  Result<VirtualRun> run(const EmittedStep& step);

 private:
  friend class VirtualStep;
  struct Prepared {
    std::unique_ptr<device::Call> call{};  // null: a collective, or the border of a region
    std::optional<cost::CollectiveCall> collective{};
    bool starts = false, waits = false;
    std::string_view of_class{};
    ops::Arity arity{};
    std::vector<uint64_t> operand_bytes{}, fresh_bytes{};
  };
  Result<const Prepared*> prepared(graph::SignatureId id);

  const cluster::Cluster& cluster_;
  const graph::SignatureTable& signatures_;
  std::unique_ptr<device::TimedDevice> device_;
  std::vector<std::unique_ptr<Prepared>> prepared_;  // by signature
};

}  // namespace moai::compiler
