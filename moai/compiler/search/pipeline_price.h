// PipelinePrice: a step of all stages and micro-batches, from what one micro-batch costs at each
// place of the model (place_costs.h) and the order of a schedule (compiler/schedule).
#pragma once

#include "moai/compiler/schedule/simulate.h"
#include "moai/compiler/search/place_costs.h"

namespace moai::compiler {

struct PipelinePrice {
  StepPrice step{};  // whole calls' lines are marks
  // Of more than one stage: how the schedule runs.
  schedule::Schedule schedule{};
  schedule::Simulation simulation{};
};

// `degrees` with micro-batches that divide the batch. Nothing where the model has fewer places than
// there are parts.
std::optional<PipelinePrice> pipeline_price(ModelLine* line, const PlaceCosts& costs,
                                            const Degrees& degrees,
                                            const cluster::Cluster& cluster);

}  // namespace moai::compiler
