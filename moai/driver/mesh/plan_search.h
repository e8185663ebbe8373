// PlanSearch: looks for a better plan of a training step while the job goes on.
//
// One search at a time, in a thread of its own at low priority, on copies of all it reads. It looks
// at stop() between two plans, and who ends the job waits for it (end()).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

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
  bool now_fits = false;    // as the job knows; else as it is priced
  compiler::Pins pins{};
  cluster::Cluster cluster{};
  // What was found for other sizes of the step, best first: looked at first.
  std::optional<compiler::CachedSearch> known{};
};

struct Finding {
  Status status{};                  // RESOURCE_EXHAUSTED: no plan fits
  compiler::CachedSearch search{};  // best first; the plan that the job has is among them
  uint64_t fitting = 0;             // of the candidates
  std::optional<compiler::Degrees> begun_with{};  // of other sizes
  double search_s = 0, confirm_s = 0;
};

class PlanSearch {
 public:
  ~PlanSearch();

  void start(SearchOrder order);
  bool running() const;
  // Once, when the search is over.
  std::optional<Finding> take();
  // Any thread: the search ends with the plan that is looked at. end() waits for that, and says so
  // where it takes long.
  void stop() { stopped_ = true; }
  void end();

 private:
  void run(const SearchOrder& order);

  std::atomic<bool> stopped_{false};
  mutable std::mutex mutex_;
  std::condition_variable over_;
  bool running_ = false;            // guarded by mutex_
  std::optional<Finding> finding_;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace moai::driver
