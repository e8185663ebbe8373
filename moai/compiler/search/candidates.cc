#include "moai/compiler/search/candidates.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace moai::compiler {
namespace {

// Of a schedule, so that it is simulated in some milliseconds.
constexpr int64_t kTasksMax = 1 << 15;
constexpr int64_t kZeroBubbleMax = 1 << 12;  // micro-batches of all stages
constexpr int64_t kTokensMin = 128;          // of a sequence on each rank
constexpr int kChunks[] = {2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64};

template <typename T>
bool allows(const std::optional<T>& pin, T value) {
  return !pin || *pin == value;
}

class Enumeration {
 public:
  Enumeration(const ModelLine& line, WorkBound* bound, int devices, const Pins& pins)
      : line_(line), bound_(*bound), devices_(devices), pins_(pins) {
    const WindowPlanner& planner = line.planner();
    sequence_ = !planner.roles().sequence.empty();
    if (sequence_) tokens_ = planner.recorded().factors.size(planner.roles().sequence[0]);
  }

  std::vector<Candidate> run() {
    // A stage is no less than a layer, where there are layers.
    const size_t most = line_.folded() ? line_.layers() : line_.order().size();
    const auto places = static_cast<int>(most);
    for (int pp = 1; pp <= devices_; ++pp) {
      if (devices_ % pp != 0 || !allows(pins_.pp, pp)) continue;
      if (pp > 1 && !pins_.pp && (pp > places || !line_.divides())) continue;
      for (int tp = 1; tp <= devices_ / pp; ++tp) {
        if (devices_ / pp % tp != 0 || !allows(pins_.tp, tp)) continue;
        of_stage({.tp = tp, .pp = pp});
      }
    }
    return std::move(all_);
  }

 private:
  void of_stage(Degrees d) {
    const int ranks = devices_ / d.pp / d.tp;
    for (d.cp = 1; d.cp <= ranks; ++d.cp) {
      d.dp = ranks / d.cp;
      if (d.dp * d.cp != ranks || !allows(pins_.dp, d.dp) || !allows(pins_.cp, d.cp)) continue;
      if (d.cp == 1 || pins_.cp || may_split_context(d, ranks)) of_mesh(d);
    }
  }
  // Sequences are split where a batch has fewer samples than there are ranks, and each rank has
  // tokens enough.
  bool may_split_context(const Degrees& d, int ranks) const {
    const int64_t samples = std::max<int64_t>(line_.batch(), 1);
    return samples < ranks && d.dp <= samples && tokens_ / d.cp >= kTokensMin;
  }
  void of_mesh(Degrees d) {
    const Degrees used = bound_.of_use({.dp = d.dp, .tp = d.tp});
    shares_ = used.dp == d.dp;
    splits_ = used.tp == d.tp;
    for (d.zero = 0; d.zero <= (d.replicas() > 1 ? 3 : 0); ++d.zero) {
      if (!allows(pins_.zero, d.zero)) continue;
      for (const bool sp : {false, true}) {
        d.sp = sp;
        if (!allows(pins_.sp, sp ? 1 : 0)) continue;
        if (!sp || (d.tp > 1 && d.cp == 1 && sequence_)) of_ranks(d);
      }
    }
  }
  void of_ranks(Degrees d) {
    for (const Recompute r : {Recompute::kNone, Recompute::kSelective, Recompute::kFull}) {
      if (!allows(pins_.recompute, r)) continue;
      if (r != Recompute::kNone && !pins_.recompute && !line_.divides()) continue;
      d.recompute = r;
      if (pins_.microbatches) {
        d.microbatches = *pins_.microbatches;
        add(d, count(d.microbatches));
        continue;
      }
      for (const int m : microbatch_counts(d.dp)) {
        d.microbatches = m;
        add(d, m);
      }
    }
  }
  // As microbatches_for() of passes/micro_batches.h.
  int count(int m) const {
    if (m <= 1 || line_.batch() <= 1 || !line_.divides()) return 1;
    const int64_t rows = (line_.batch() + m - 1) / m;
    int64_t count = (line_.batch() + rows - 1) / rows;
    while (line_.batch() % count != 0) ++count;
    return static_cast<int>(count);
  }
  const std::vector<int>& microbatch_counts(int dp) {
    std::vector<int>& counts = counts_[dp];
    if (!counts.empty()) return counts;
    counts.push_back(1);
    const int64_t batch = line_.batch();
    if (!line_.divides() || batch % dp != 0) return counts;
    for (int64_t m = 2; m <= batch / dp; ++m) {
      if (batch / dp % m == 0) counts.push_back(static_cast<int>(m));
    }
    return counts;
  }

  void add(const Degrees& d, int microbatches) {
    Candidate c{.degrees = d, .of_use = d, .microbatches = microbatches};
    if (!shares_ && d.zero == 0) c.of_use.dp = 1;
    if (!splits_) {
      c.of_use.tp = 1;
      c.of_use.sp = false;
    }
    if (c.of_use == d) {
      all_.push_back(c);
      return;
    }
    const Degrees& u = c.of_use;
    const auto [at, is_new] = known_.try_emplace(
        std::tuple(u.pp, u.dp, u.tp, u.zero, u.sp, u.microbatches, u.recompute), all_.size());
    is_new ? all_.push_back(c) : void(all_[at->second] = c);
  }

  const ModelLine& line_;
  WorkBound& bound_;
  const int devices_;
  const Pins& pins_;
  int64_t tokens_ = 0;  // of a sequence
  bool sequence_ = false, shares_ = true, splits_ = true;
  std::vector<Candidate> all_;
  std::map<int, std::vector<int>> counts_;
  std::map<std::tuple<int, int, int, int, bool, int, Recompute>, size_t> known_;
};

}  // namespace

std::vector<Candidate> every_candidate(const ModelLine& line, WorkBound* bound, int devices,
                                       const Pins& pins) {
  return Enumeration(line, bound, devices, pins).run();
}

std::optional<size_t> find_like(const std::vector<Candidate>& all, const Degrees& degrees,
                                double scale) {
  const double wanted = degrees.microbatches * scale;
  const auto far = [&](size_t i) {
    return std::abs(std::log2(all[i].degrees.microbatches / wanted));
  };
  std::optional<size_t> best;
  for (size_t i = 0; i < all.size(); ++i) {
    Degrees same = all[i].degrees;
    same.microbatches = degrees.microbatches;
    same.schedule = degrees.schedule;
    if (same == degrees && (!best || far(i) < far(*best))) best = i;
  }
  return best;
}

std::vector<PipelineSchedule> schedules(const Degrees& d, const Pins& pins, size_t places) {
  if (d.pp == 1) return {{}};
  if (pins.schedule) return {*pins.schedule};
  std::vector<PipelineSchedule> all{{}};
  if (d.microbatches == 1) return all;
  const int64_t passes = static_cast<int64_t>(d.pp) * d.microbatches;
  if (passes <= kZeroBubbleMax) all.push_back({.kind = PipelineSchedule::Kind::kZeroBubble});
  for (const int chunks : kChunks) {
    if (static_cast<size_t>(d.pp) * static_cast<size_t>(chunks) > places) break;
    if (passes * chunks > kTasksMax) break;
    all.push_back({.kind = PipelineSchedule::Kind::kInterleaved, .chunks = chunks});
  }
  return all;
}

// With zero bubbles the last stage waits for the first forward passes, and the first one, after as
// many as it may hold, for the first gradients. Otherwise a micro-batch goes through all parts, and
// those behind it end one part later each.
double least_idle(const Degrees& d, int microbatches, const PipelineSchedule& schedule,
                  double forward, double input) {
  const double m = microbatches, chunks = schedule.chunks, fill = d.pp - 1;
  if (schedule.kind == PipelineSchedule::Kind::kZeroBubble) {
    return fill * std::max(forward, input) / m;
  }
  return std::max(fill / chunks, d.pp - m + (m - 1) / chunks) / m;
}

}  // namespace moai::compiler
