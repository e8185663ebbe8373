// Candidates: every combination of degrees that a search may choose.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "moai/compiler/planner/pins.h"
#include "moai/compiler/search/work_bound.h"

namespace moai::compiler {

struct Candidate {
  Degrees degrees{};     // but for the schedule
  Degrees of_use{};      // without what splits nothing
  int microbatches = 1;  // in which the batch runs: of a pinned number the nearest that divides it
  double bound_s = 0;    // no schedule makes a step shorter
  double memory_bytes = 0;  // of a device, at least
};

// All that the pins leave. Of those that differ only along what cannot be split one counts, which
// is called tensor parallel: nothing of the batch is made ready for a split that never comes.
std::vector<Candidate> every_candidate(const ModelLine& line, WorkBound* bound, int devices,
                                       const Pins& pins);

// Which candidate has these degrees, with as near to `scale` times as many micro-batches as there
// is.
std::optional<size_t> find_like(const std::vector<Candidate>& all, const Degrees& degrees,
                                double scale);

// Of a plan of so many stages and micro-batches; the first one where there is but one.
std::vector<PipelineSchedule> schedules(const Degrees& degrees, const Pins& pins, size_t places);

// What stages wait for each other at least, in parts of a stage's time for all micro-batches, of
// which forward passes take `forward` and gradients of activations at least `input`.
double least_idle(const Degrees& degrees, int microbatches, const PipelineSchedule& schedule,
                  double forward, double input);

}  // namespace moai::compiler
