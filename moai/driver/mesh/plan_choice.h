// PlanChoice: which plan a job on several devices has, and when another one takes its place.
//
// A job begins with what is pinned, the rest data parallel. Where that leaves something open, the
// first training step that comes again is searched for a better plan beside the job; one that is
// predicted faster by a margin is taken up where that step begins next. What was found is kept, and
// the next run of the script has it from its first training step on. Where steps come to have other
// sizes for good, they are searched again, from what was found before. docs/design/018.
//
// Of the sending thread, but for what says otherwise.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "moai/driver/mesh/plan_book.h"
#include "moai/driver/mesh/plan_schedule.h"
#include "moai/driver/mesh/plan_search.h"
#include "moai/session/job_report.h"

namespace moai::driver {

struct ChoiceOptions {
  PlanSchedule schedule{};
  int ranks = 1;
  uint64_t rank_bytes = 0;                    // of each, for storages; 0: not known
  std::optional<cluster::Cluster> cluster{};  // by which plans are compared
  std::string why_no_search{};                // of a job without it
  std::string cache_folder{};                 // empty: nothing is kept
  std::string version{};                      // of who prices and runs
  bool quiet = false;
  bool tells_search = false;  // line by line, as who asked for the search expects
};

class PlanChoice {
 public:
  // INVALID_ARGUMENT where pins are no plan of so many ranks.
  static Result<std::unique_ptr<PlanChoice>> make(ChoiceOptions options);

  const PlanBook::Options& first() const { return planned_.front().options; }

  void step_ended() { ++steps_; }
  // Something speaks against any change from now on.
  void give_up(const std::string& why);
  // Nothing will change any more.
  bool settled() const { return phase_ == Phase::kDone && planned_.size() == 1; }
  // Before a window runs; `known`: its plan, where it came before. The plan to take up for it, of
  // which taken() is told what came of it.
  std::optional<PlanBook::Options> before(const graph::Window& w, const WindowPlan* known,
                                          const graph::SignatureTable& signatures);
  void taken(const Status& status);
  // A window is about to run, on storages as they lie now.
  void runs(const graph::Window& w, const WindowPlan& plan, const graph::SignatureTable& signatures,
            const Storages& storages);

  // ---- any thread
  // What is to be told of it; measurements are left to who measures.
  session::JobReport::Plan state() const;
  void stop() { search_.stop(); }
  void end() { search_.end(); }

 private:
  struct Planned {
    uint64_t from_step = 0;
    PlanBook::Options options{};
  };
  enum class Phase : uint8_t {
    kLooks,     // for a step that was searched in an earlier run, or comes again
    kSearches,  // beside the job
    kFound,     // takes it up with the next step of that form
    kDone,
  };

  PlanChoice(ChoiceOptions options, std::deque<Planned> planned);

  void search(const graph::Window& w, const WindowPlan& plan,
              const graph::SignatureTable& signatures, const Storages& storages);
  bool has_other_sizes(const graph::Window& w, const WindowPlan& plan,
                       const graph::SignatureTable& signatures);
  void note_whole(const WindowPlan& plan);
  std::string key(uint64_t form) const;
  void look_up(uint64_t form);
  void take_finding();
  void judge(compiler::CachedSearch search, const char* how);
  bool take_next();
  void keep(const Finding& finding) const;
  void tell(const Finding& finding) const;
  void say(const std::string& text) const;
  void note(const char* how, const std::string& why);

  const ChoiceOptions options_;
  std::deque<Planned> planned_;  // what holds, and what comes
  uint64_t steps_ = 0;
  Phase phase_ = Phase::kLooks;
  PlanSearch search_;
  std::vector<uint64_t> seen_;         // forms of windows, as they came
  uint64_t form_ = 0;                  // that is searched
  dispatch::TemplateId searched_ = 0;  // its plan
  compiler::Degrees now_{};
  std::optional<PlanBook::Options> better_;  // on its way
  std::deque<compiler::Degrees> next_;       // should it not be possible
  int waited_ = 0;                           // steps, for its form
  // What was found last, for one size of the step; nothing where no other is to be searched.
  std::optional<compiler::CachedSearch> last_;
  int searches_ = 0;
  dispatch::TemplateId row_of_ = 0;                  // the form that the last training steps had,
  int row_ = 0;                                      // and how many
  std::optional<dispatch::TemplateId> looked_at_{};  // whether its sizes are others

  mutable std::mutex mutex_;
  session::JobReport::Plan state_;  // guarded by mutex_
};

}  // namespace moai::driver
