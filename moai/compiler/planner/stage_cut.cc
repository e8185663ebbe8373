#include "moai/compiler/planner/stage_cut.h"

#include <algorithm>
#include <limits>

namespace moai::compiler {
namespace {

// Of two cuts whose dearest parts differ by less than this, that which less crosses.
constexpr double kAlike = 1.02;

class Cut {
 public:
  Cut(std::span<const double> seconds, std::span<const double> crossing)
      : crossing_(crossing), sums_(seconds.size() + 1) {
    for (size_t i = 0; i < seconds.size(); ++i) sums_[i + 1] = sums_[i] + seconds[i];
  }

  // Of the places from `begin` to `end`.
  double part(size_t begin, size_t end) const {
    return sums_[end] - sums_[begin] + edge(begin) + edge(end);
  }
  double edge(size_t at) const { return at == 0 || at + 1 == sums_.size() ? 0 : crossing_[at]; }

  std::vector<uint32_t> run(uint32_t stages) {
    const size_t n = sums_.size() - 1;
    const double slowest = best(stages, at_most(stages), false).back();
    best(stages, slowest * kAlike, true);
    std::vector<uint32_t> stage_of(n);
    size_t end = n;
    for (uint32_t s = stages; s-- > 0;) {
      const size_t begin = began_[s][end];
      for (size_t i = begin; i < end; ++i) stage_of[i] = s;
      end = begin;
    }
    return stage_of;
  }

 private:
  // The dearest part where each is filled up to an even share and one place more, or has one.
  double at_most(uint32_t stages) const {
    const size_t n = sums_.size() - 1;
    double dearest = 0;
    size_t begin = 0;
    for (uint32_t s = 0; s < stages; ++s) {
      const double until = sums_[n] * (s + 1) / stages;
      size_t end = begin + 1;
      while (end < n - (stages - 1 - s) && sums_[end] < until) ++end;
      if (s + 1 == stages) end = n;
      dearest = std::max(dearest, part(begin, end));
      begin = end;
    }
    return dearest;
  }

  // By where the first stages end, the least that their dearest part costs; or, `by_crossing`, the
  // least that crosses. No part costs more than `limit`.
  std::vector<double> best(uint32_t stages, double limit, bool by_crossing) {
    const size_t n = sums_.size() - 1;
    const double never = std::numeric_limits<double>::infinity();
    std::vector<double> now(n + 1, never);
    now[0] = 0;
    size_t first = 0, last = 0;  // of ends that are not never
    began_.assign(stages, std::vector<size_t>(n + 1, 0));
    for (uint32_t s = 0; s < stages; ++s) {
      std::vector<double> next(n + 1, never);
      size_t next_first = n, next_last = 0;
      for (size_t end = first + 1; end <= n; ++end) {
        if (last < end && sums_[end] - sums_[last] > limit) break;
        // Of cuts that cost the same that with the first border counts.
        for (size_t begin = std::min(end, last + 1); begin-- > first;) {
          if (sums_[end] - sums_[begin] > limit) break;
          if (now[begin] == never) continue;
          const double cost = part(begin, end);
          if (cost > limit) continue;
          const double all = by_crossing ? now[begin] + edge(begin) : std::max(now[begin], cost);
          if (all > next[end]) continue;
          next[end] = all;
          began_[s][end] = begin;
          next_first = std::min(next_first, end);
          next_last = end;
        }
      }
      now = std::move(next);
      first = next_first;
      last = next_last;
    }
    return now;
  }

  const std::span<const double> crossing_;
  std::vector<double> sums_;
  std::vector<std::vector<size_t>> began_;  // by stage and end
};

}  // namespace

CutPrice cut_price(std::span<const double> seconds, std::span<const double> crossing,
                   std::span<const uint32_t> stage_of, uint32_t stages) {
  std::vector<double> parts(stages);
  CutPrice price;
  for (size_t i = 0; i < seconds.size(); ++i) {
    parts[stage_of[i]] += seconds[i];
    if (i == 0 || stage_of[i] == stage_of[i - 1]) continue;
    parts[stage_of[i]] += crossing[i];
    parts[stage_of[i - 1]] += crossing[i];
    price.crossing += crossing[i];
  }
  for (const double part : parts) price.slowest = std::max(price.slowest, part);
  return price;
}

std::vector<uint32_t> best_cut(std::span<const double> seconds, std::span<const double> crossing,
                               uint32_t stages) {
  return Cut(seconds, crossing).run(std::min(stages, static_cast<uint32_t>(seconds.size())));
}

}  // namespace moai::compiler
