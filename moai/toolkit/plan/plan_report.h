// PlanReport: what `moai plan` found, and the sentences about it that text, JSON and page share.
#pragma once

#include <string>
#include <vector>

#include "moai/compiler/planner/choose_plan.h"
#include "moai/compiler/search/search_plan.h"

namespace moai::toolkit {

struct PlanReport {
  std::string script{};   // with its arguments
  std::string profile{};  // of another stack's software; empty: ours
  cluster::Cluster cluster{};
  compiler::PriceOptions options{};
  compiler::SearchResult found{};
  compiler::Ideal ideal{};
  std::vector<std::string> lines{};  // of the script, by number
  int64_t samples = 0, tokens = 0;   // in a step; 0: not recognized
  int64_t samples_together = 0;      // of the smallest micro-batch
  double capture_s = 0;
  bool cached = false;  // the degrees are those that an earlier search found

  const compiler::StepPrice& best() const { return found.price.step; }
};

// Whether exchanges run beside calls.
inline bool exchanges_overlap(const PlanReport& r) {
  return r.cluster.device.overlaps_exchanges || r.options.overlap != compiler::cost::Overlap{};
}

// A part of a step that a waterfall shows.
struct Part {
  std::string name{};  // "forward"; in JSON "forward_s"
  double seconds = 0;
};
std::vector<Part> waterfall(const compiler::StepPrice& price);

// A part of the memory of a device when it is fullest.
struct MemoryPart {
  std::string name{};  // "optimizer state"
  std::string key{};   // "state_bytes", in JSON
  uint64_t bytes = 0;
};
std::vector<MemoryPart> memory_parts(const compiler::RoleBytes& fullest);

// "dp 4 · tp 2 · zero 1"
std::string plan_text(const compiler::Degrees& d);
// FLOPs of the model ÷ what all devices could do in a step.
double utilization(const PlanReport& r);
// What a faster step would need first.
std::string binding_constraint(const PlanReport& r);
// What the reader should know about the figures.
std::vector<std::string> notes(const PlanReport& r);
// "train.py:40"; "-" where unknown.
std::string line_text(const PlanReport& r, graph::LineId line);

}  // namespace moai::toolkit
