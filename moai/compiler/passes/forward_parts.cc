#include "moai/compiler/passes/forward_parts.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "moai/compiler/cost/call_work.h"
#include "moai/compiler/search/repeats.h"

namespace moai::compiler {
namespace {

constexpr size_t kRepeatsMin = 2;
constexpr double kMostWork = 0.5;  // of the products' FLOPs, for layers to be what the model is

class Cutter {
 public:
  Cutter(const graph::Window& w, const WindowUse& use, const std::vector<Slice>& slices,
         const graph::SignatureTable& signatures)
      : use_(use) {
    std::unordered_map<graph::SignatureId, double> known;
    for (uint32_t i = 0; i < w.nodes.size(); ++i) {
      const graph::Node& n = w.nodes[i];
      if (n.kind != graph::NodeKind::kCall || slices[i] != Slice::kForward) continue;
      calls_.push_back(i);
      kinds_.push_back(n.signature);
      const auto [found, is_new] = known.try_emplace(n.signature);
      if (is_new) {
        found->second = cost::call_work(signatures.at(n.signature).signature()).flops;
      }
      flops_.push_back(found->second);
    }
    crossing_.assign(calls_.size() + 1, 0);
    saved_.assign(calls_.size() + 1, 0);
    std::unordered_map<uint32_t, size_t> place;
    for (size_t c = 0; c < calls_.size(); ++c) place[calls_[c]] = c;
    for (const auto& [id, s] : use.storages) count(s, place);
    std::partial_sum(crossing_.begin(), crossing_.end(), crossing_.begin());
    std::partial_sum(saved_.begin(), saved_.end(), saved_.begin());
  }

  // Borders between calls: part i is from border i to border i + 1.
  std::vector<size_t> borders() const {
    std::vector<size_t> found = layers();
    return found.empty() ? even_parts() : found;
  }
  const std::vector<uint32_t>& calls() const { return calls_; }

 private:
  void count(const StorageUse& s, const std::unordered_map<uint32_t, size_t>& place) {
    if (!s.made || s.writers.empty() || !place.contains(s.writers[0])) return;
    const size_t first = place.at(s.writers[0]);
    size_t last = first;
    bool saved = false;
    for (const uint32_t r : s.readers) {
      const auto at = place.find(r);
      if (at != place.end()) last = std::max(last, at->second);
      saved |= at == place.end();
    }
    const auto bytes = static_cast<double>(s.bytes);
    if (last > first) {
      crossing_[first + 1] += bytes;  // before the call after it, …
      crossing_[last + 1] -= bytes;   // … up to its last reader
    }
    if (saved) saved_[first] += bytes;
  }

  std::vector<size_t> layers() const {
    std::vector<bool> needed;
    for (const double f : flops_) needed.push_back(f > 0);
    const double all = std::accumulate(flops_.begin(), flops_.end(), 0.0);
    for (const Run& run : find_runs(kinds_, needed, kRepeatsMin)) {
      const auto begin = flops_.begin() + static_cast<ptrdiff_t>(run.begin);
      const double work =
          std::accumulate(begin, begin + static_cast<ptrdiff_t>(run.end() - run.begin), 0.0);
      if (work < kMostWork * all) continue;
      return layers_of(run);
    }
    return {};
  }
  // Where in a period the least crosses, of the repeats in the middle.
  std::vector<size_t> layers_of(const Run& run) const {
    size_t best = 0;
    const size_t middle = run.begin + run.repeats / 2 * run.period;
    for (size_t off = 1; off < run.period; ++off) {
      if (middle + off < calls_.size() && crossing_[middle + off] < crossing_[middle + best]) {
        best = off;
      }
    }
    std::vector<size_t> borders;
    if (best != 0 && run.begin + best >= run.period) {
      borders.push_back(run.begin + best - run.period);
    } else if (best != 0) {
      borders.push_back(run.begin);
    }
    for (size_t r = 0; r <= run.repeats; ++r) {
      borders.push_back(std::min(run.begin + best + r * run.period, calls_.size()));
    }
    const auto twice = std::ranges::unique(borders);
    borders.erase(twice.begin(), twice.end());
    return borders;
  }

  // The last one, whose backward part begins at once, is none.
  std::vector<size_t> even_parts() const {
    const auto products = std::ranges::count_if(flops_, [](double f) { return f > 0; });
    const auto parts = static_cast<size_t>(std::ceil(std::sqrt(static_cast<double>(products))));
    if (parts < 2 || saved_.back() == 0) return {};
    std::vector<size_t> borders{0};
    for (size_t p = 1; p < parts; ++p) {
      const double share = saved_.back() / static_cast<double>(parts);
      const size_t from = at(share * (static_cast<double>(p) - 0.25));
      const size_t to = at(share * (static_cast<double>(p) + 0.25));
      size_t best = from;
      for (size_t c = from; c <= to && c < calls_.size(); ++c) {
        if (crossing_[c] < crossing_[best]) best = c;
      }
      if (best > borders.back()) borders.push_back(best);
    }
    return borders;
  }
  size_t at(double bytes) const {
    return static_cast<size_t>(std::ranges::lower_bound(saved_, bytes) - saved_.begin());
  }

  const WindowUse& use_;
  std::vector<uint32_t> calls_;  // of the forward pass
  std::vector<uint32_t> kinds_;
  std::vector<double> flops_;
  std::vector<double> crossing_;  // bytes that calls after the border read of those before
  std::vector<double> saved_;     // bytes for the backward pass, made up to the call
};

}  // namespace

std::vector<int> forward_parts(const graph::Window& w, const WindowUse& use,
                               const std::vector<Slice>& slices,
                               const graph::SignatureTable& signatures) {
  const Cutter cutter(w, use, slices, signatures);
  const std::vector<size_t> borders = cutter.borders();
  std::vector<int> parts(w.nodes.size(), -1);
  for (size_t b = 0; b + 1 < borders.size(); ++b) {
    for (size_t c = borders[b]; c < borders[b + 1]; ++c) {
      parts[cutter.calls()[c]] = static_cast<int>(b);
    }
  }
  return parts;
}

}  // namespace moai::compiler
