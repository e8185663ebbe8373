// StepPrice: what a training step costs on a cluster under a plan of given degrees.
//
// Priced is the program of the first rank of each stage, which has the largest share of everything
// there. Stages run together, and wait for each other's messages (stage_run.h).
#pragma once

#include <string>
#include <vector>

#include "moai/cluster/topology.h"
#include "moai/compiler/cost/program_price.h"
#include "moai/compiler/planner/plan_window.h"
#include "moai/compiler/planner/recorded_step.h"

namespace moai::compiler {

// Where the seconds of a step go; they add up to it.
struct SliceSeconds {
  double forward_s = 0, backward_s = 0, optimizer_s = 0;
  double exchange_s = 0;  // what ranks wait for each other
  double idle_s = 0;      // of a pipeline: what stages wait for messages
};

// An operator that has no rule at one line of the script: every rank runs it whole.
struct WholeCalls {
  std::string op{};
  graph::LineId line = 0;
  uint64_t calls = 0;
  double seconds = 0, exchange_s = 0;  // of it, and of making its operands whole
};

// They add up to what a rank has.
struct RoleBytes {
  uint64_t parameters = 0, state = 0, gradients = 0, data = 0;
  uint64_t others = 0;  // activations, and copies that were made for a call
  uint64_t workspace = 0;
};

// Of one pipeline stage.
struct StagePrice {
  SliceSeconds slices{};  // until its program ends
  uint64_t memory_bytes = 0;
  RoleBytes fullest{};
  size_t weights = 0;  // how many parameters it has

  double busy_s() const { return slices.forward_s + slices.backward_s + slices.optimizer_s; }
};

struct StepPrice {
  Degrees degrees{};
  // Of all stages the longest step, the most memory, FLOPs and calls; traffic of the stage that has
  // most on the axis.
  cost::ProgramPrice program{};
  SliceSeconds slices{};             // of the stage that ends last
  RoleBytes fullest{};               // of what memory is when it is fullest
  std::vector<StagePrice> stages{};  // at least one
  std::vector<WholeCalls> whole{};   // dearest first

  bool fits(const cluster::Cluster& c) const {
    return program.memory_bytes_max <= static_cast<uint64_t>(c.device.memory_bytes);
  }
};

struct PriceOptions {
  cost::KernelOptions kernels{};
  cost::Overlap overlap{};  // of another stack
};

StepPrice price_step(const RecordedStep& step, const PlannedWindow& planned, const Degrees& degrees,
                     const cluster::Cluster& cluster, const PriceOptions& options,
                     graph::SignatureTable* signatures);

}  // namespace moai::compiler
