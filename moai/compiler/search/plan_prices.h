// PlanPrices: bounds and prices of a search's candidates, with what they have in common.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "moai/compiler/search/candidates.h"
#include "moai/compiler/search/microbatch_windows.h"
#include "moai/compiler/search/pipeline_price.h"

namespace moai::compiler {

struct PricedPlan {
  PipelinePrice price{};
  // Of one micro-batch, or of all that ranks run; null: priced by calls of other plans.
  std::shared_ptr<const PlannedWindow> planned{};
  bool whole = false;  // priced as all of its programs
};

class PlanPrices {
 public:
  // All that is pointed at outlives it. `limit`: bytes of a device.
  PlanPrices(const RecordedStep& step, const cluster::Cluster& cluster, const Pins& pins,
             const PriceOptions& options, double limit, graph::SignatureTable* signatures);

  const ModelLine& line() const { return line_; }
  double limit() const { return limit_; }
  std::vector<Candidate> candidates();

  // From the window's calls, with what tensor parallel exchanges as far as that is known.
  void set_bound(Candidate* c);
  // With the calls of a micro-batch; false where no candidate with the same ones was counted yet.
  bool set_bound_by_calls(Candidate* c);
  // With the calls of a micro-batch of more rows under the same (tp, sp, recompute), which take no
  // longer a row; the most rows are counted for this where none were. False where there are none.
  bool set_bound_by_rows(Candidate* c);
  // Counts the calls of its micro-batch alone; false where none can be cut out.
  bool count_calls(const Candidate& c);

  // Calls that are not counted yet, and the window of which they are.
  struct Uncounted {
    Candidate of{};
    WindowPlanner* planner = nullptr;
  };
  // What set_bound_by_rows() counts first, count_calls(), and count(); nothing where it is known.
  std::optional<Uncounted> uncounted_rows(const Candidate& c);
  std::optional<Uncounted> uncounted_calls(const Candidate& c);
  std::optional<Uncounted> uncounted(const Candidate& c);
  bool is_same(const Uncounted& a, const Uncounted& b) const;
  // Counts each of them, none the same as another, side by side on so many threads at most.
  void count_beside(const std::vector<Uncounted>& some, int threads);

  // The calls of a micro-batch, and what comes once. Where each of them was counted for another
  // candidate, without a plan of this one.
  struct Counted {
    std::optional<PlannedWindow> planned{};
    PlaceCosts costs{};
  };
  std::optional<Counted> count(const Candidate& c);
  // From the calls that are emitted for this one. Nothing where no micro-batch can be cut out, and
  // where there are no weights, whose places calls stand at.
  std::optional<Counted> count_emitted(const Candidate& c);
  // A step of the candidate's calls in this schedule is no shorter.
  double bound_s(const Candidate& c, const Counted& counted, const PipelineSchedule& s);
  // Nothing where the model has too few places.
  std::optional<PipelinePrice> price(const Candidate& c, const Counted& counted,
                                     const PipelineSchedule& s);
  std::vector<PipelineSchedule> schedules_of(const Candidate& c) const;
  // As all programs of the whole window, which takes long where there are many calls.
  PricedPlan price_whole(const Degrees& degrees);
  size_t nodes(const Candidate& c) const;  // that this looks at, about

 private:
  // What calls of a micro-batch depend on but for its rows.
  struct Group {
    int tp = 1, cp = 1;
    bool sp = false;
    Recompute recompute = Recompute::kNone;
    int alone = 0;  // micro-batches, where no other plan's are like them
    auto operator<=>(const Group&) const = default;
  };
  struct Key {
    Group group{};
    int64_t rows = 0;  // of a micro-batch on one rank; of what is alone, parts of the batch
    auto operator<=>(const Key&) const = default;
  };
  Key key(const Candidate& c) const;
  // Of what calls in micro-batches are like its own, or close; nothing where there are none.
  std::optional<Key> rows_key(const Candidate& c) const;
  // Measured calls: those of more rows may take longer a row.
  bool is_measured() const;
  // Whether the calls of its micro-batches are those of all with as many rows on a rank.
  bool alike(const Candidate& c) const;
  bool is_single_row(const Candidate& c) const;  // a micro-batch, on a single rank
  // As they are emitted; `warm` where that is another count. Threads: any.
  struct Emitted {
    Counted counted{};
    std::optional<PlaceCosts> warm{};
  };
  Emitted emitted(const Uncounted& u, bool warm) const;
  bool wants_warm(const Candidate& c) const;
  Counted emit(const Uncounted& u);
  Counted take(const Candidate& c, Emitted emitted);
  bool is_emitted(const Candidate& c) const;
  const Key* more_rows(const Candidate& c, const Key& own) const;
  std::optional<Uncounted> of_rows(const Candidate& c, int64_t rows);
  std::optional<Uncounted> of_most_rows(const Candidate& c, const Key& own);
  std::optional<Uncounted> of_weights(const Candidate& c);
  void note(const Candidate& c, const PlaceCosts& costs);
  // Of a stage's calls for one micro-batch: the slowest one's, and the part of its phases.
  struct StageBound {
    double slowest_s = 0, fastest_s = 0;
    uint32_t slowest = 0;
    double forward = 0, input = 0;
    double kept_first = 0;  // of the first stage
    double part_s = 0;      // at most, backward passes of stages' first parts
  };
  const StageBound& stage_bound(const Key& calls, int pp, int chunks);
  // Of the whole model's weights on one device of dp × tp: what depends on no micro-batch.
  using WeightsKey = std::tuple<int, int, int, int, bool>;  // dp, cp, tp, zero, sp
  struct Weights {
    double bytes = 0, gradients = 0;
    std::shared_ptr<const PlaceCosts> costs{};
  };
  WeightsKey weights_key(const Candidate& c) const;
  double pipelined_by_calls(const Candidate& c, const StageBound& b, const PipelineSchedule& s);
  // `calls`: of so many times the candidate's rows.
  void set_bound_by(Candidate* c, const Key& calls, double times);
  double send_s(const Candidate& c);
  // Of a stage: seconds once a step, and those that dp exchanges for each micro-batch.
  struct StageOnce {
    double once_s = 0, each_s = 0;
    // Once a step beside the passes, where exchanges go on so; of it, of its first part, which
    // makes them last.
    double beside_s = 0, last_beside_s = 0;
  };
  StageOnce once_of(const PlaceCosts& costs, const Candidate& c, const PipelineSchedule& s,
                    uint32_t stage);
  // A step but for what dp exchanges: passes of a stage's calls, which take `calls_s` of them.
  struct Passes {
    double step_s = 0, calls_s = 0;
    double last_s = 0;  // of these behind which no gradient is complete
    double part_s = 0;  // at most what a backward pass of a stage's first part takes
  };
  static Passes passes(const Candidate& c, double step_s, double calls_s, double part_s);
  double with_once_s(const Candidate& c, const Passes& passes, const StageOnce& once) const;
  double with_least_once_s(const Candidate& c, const Passes& passes);
  double stage_step_s(const Candidate& c, const Weights& w, const StageBound& b,
                      const Passes& passes, const PipelineSchedule& s);
  // Seconds beyond those of calls beside which so much is exchanged.
  double beyond_s(double calls_s, double exchange_s) const;

  double again_s(const Degrees& d);
  double pipelined(const Candidate& c, double each, double forward) const;
  // What dp exchanges at least: in the passes of each micro-batch, of their gradients, and of
  // weights behind the optimizer.
  struct DataExchange {
    double passes_s = 0, gradients_s = 0, weights_s = 0;
  };
  const DataExchange& data_exchange(const Degrees& d, int microbatches);
  // Of what dp exchanges for a micro-batch at each of all layers what shows at least beside its
  // calls: of more rows no more does, of less to exchange no less than that is less.
  double least_shown_s(const Candidate& c);
  double least_bytes(const Candidate& c);

  const RecordedStep& step_;
  const cluster::Cluster& cluster_;
  const Pins pins_;
  const PriceOptions options_;
  const double limit_;
  std::optional<cluster::Cluster> warm_{};  // whose caches hold all: what bounds measured calls
  graph::SignatureTable& signatures_;
  ModelLine line_;
  WorkBound bound_;
  MicrobatchWindows windows_;
  std::unique_ptr<WindowPlanner> whole_;
  std::map<Group, std::set<int64_t>> rows_;                         // of candidates
  std::map<Key, std::vector<PlaceCost>> calls_;                     // by place of the line
  std::map<Key, std::shared_ptr<const PlaceCosts>> whole_weights_;  // but for zero=3
  std::map<WeightsKey, Weights> weights_;
  // With zero=3 and exchanges beside calls: of a micro-batch of so many rows, all layers.
  struct Shown {
    Degrees degrees{};
    bool alike = true;  // as alike() says
    int64_t rows = 0;
    double seconds = 0;
  };
  std::map<Group, std::vector<Shown>> shown_;
  std::map<std::tuple<Key, int, int>, StageBound> stage_bounds_;  // by stages and chunks
  std::map<std::tuple<WeightsKey, int, int, uint32_t>, std::pair<StageOnce, StageOnce>> stage_once_;
  std::optional<double> least_crossing_;  // of line_.crossing()
  // By tp, cp and sp, of all of the batch.
  std::map<std::tuple<int, int, bool>, double> tensor_exchange_;
  std::map<std::tuple<int, int, Recompute>, double> again_;
  std::map<std::tuple<int, int, int, int, int, int>, DataExchange> data_exchange_;
};

}  // namespace moai::compiler
