// Runs a plan on virtual ranks and compares what it leaves with the window run whole.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "moai/compiler/conformance/golden_window.h"
#include "moai/compiler/conformance/virtual_ranks.h"
#include "moai/compiler/cost/program_price.h"
#include "moai/compiler/lower/local_layout.h"
#include "moai/compiler/lower/lower_rank.h"
#include "moai/compiler/sharding/policy.h"
#include "moai/device/device.h"

namespace moai::compiler {

// A rank's part of the bytes of a segment, whose elements are as large as said.
std::string part_of(const std::string& whole, const LocalLayout& layout, size_t element);

struct PlanRun {
  double error_max = 0;  // relative to the largest magnitude of each output
  std::string worst{};   // which output
  uint64_t moved_bytes = 0, sums = 0;
  bool has_stages = false;
  struct Rank {
    cost::ProgramPrice price{};     // predicted
    VirtualRanks::Memory memory{};  // counted
    uint64_t collectives = 0;       // likewise
  };
  std::vector<Rank> ranks{};
};

// Expects that what was predicted of each rank is what was counted: traffic and storages exactly,
// memory with what kernels take beside them at least, and at most by a twentieth more.
void expect_priced(const PlanRun& run, const std::string& what);

// A window laid out: the program and what each rank runs of it.
struct LaidOut {
  SpmdProgram program{};
  std::vector<graph::Window> ranks{};

  Lowering lowering(const Analysed& window) const {
    return {&window.window, &window.graph, &window.factors, &program, {}};
  }
};

// What the window leaves when one rank runs it, by output; then for plans.
class Reference {
 public:
  // Both outlive it.
  Reference(device::Device* device, GoldenWindow* golden);
  // Plans run on this device from here on; it outlives the reference.
  void run_on(device::Device* device) { device_ = device; }

  // `window` is the recorded one, or one that computes the same.
  // `left_out`: a sum over ranks that is not made.
  Result<PlanRun> run(const Analysed& window, const LayoutPlan& plan,
                      std::optional<uint64_t> left_out = {});
  LaidOut lay_out(const Analysed& window, const LayoutPlan& plan);
  // Unverified.
  Result<PlanRun> run(const Analysed& window, const LaidOut& laid,
                      std::optional<uint64_t> left_out = {});

 private:
  std::vector<RegisterId> older(const Analysed& window, const SpmdProgram& program) const;
  Status put_inputs(const Analysed& window, const SpmdProgram& program, VirtualRanks* ranks) const;

  device::Device* device_;
  GoldenWindow* golden_;
  // Of each output, by storage and first element.
  std::map<std::pair<graph::StorageId, int64_t>, std::string> wanted_;
};

}  // namespace moai::compiler
