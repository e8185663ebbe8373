// PlanSearch: looks for a better plan of a training step while the job goes on.
//
// One search at a time, in a thread of its own at low priority, on copies of all it reads. It looks
// at `stopped` between two plans; who ends the job waits for it for a moment (end()).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <thread>

#include "moai/cluster/topology.h"
#include "moai/compiler/planner/recorded_step.h"
#include "moai/compiler/search/plan_cache.h"

namespace moai::driver {

// The step, with the signatures of its own table: those that a search makes never reach a Worker.
struct StepToPlan {
  std::unique_ptr<graph::SignatureTable> signatures;
  compiler::RecordedStep step{};
};
// `older`: bytes of all storages that there are, those of `uploaded` included.
StepToPlan step_to_plan(const graph::Window& w, const graph::SignatureTable& signatures,
                        std::vector<graph::StorageId> uploaded, compiler::cost::StorageBytes older);

struct SearchOrder {
  StepToPlan step;
  compiler::Degrees now{};  // what the job has
  compiler::Pins pins{};
  cluster::Cluster cluster{};
};

struct Finding {
  Status status{};                  // RESOURCE_EXHAUSTED: no plan fits
  compiler::CachedSearch search{};  // best first; the plan that the job has is among them
  uint64_t fitting = 0;             // of the candidates
  double search_s = 0, confirm_s = 0;
};

class PlanSearch {
 public:
  PlanSearch();
  ~PlanSearch();

  void start(SearchOrder order);
  bool running() const;
  // Once, when the search is over.
  std::optional<Finding> take();
  // Any thread: the search ends soon. end() waits for that, for 5 s at most.
  void stop();
  void end();

 private:
  // Of the thread too, which may outlive the search where even its end took too long.
  struct State;
  std::shared_ptr<State> state_;
  std::thread thread_;
};

}  // namespace moai::driver
