#include "moai/compiler/search/fold_layers.h"

#include <algorithm>
#include <numeric>

#include "moai/compiler/cost/call_work.h"
#include "moai/compiler/search/optimizer_items.h"
#include "moai/ops/call_tensors.h"
#include "moai/ops/list_call.h"

namespace moai::compiler {
namespace {

using graph::StorageId;

constexpr size_t kRepeatsMin = 4;
constexpr uint32_t kNoRun = ~0u;

// Of one run: the repeats that are left out.
struct Gap {
  size_t begin = 0, end = 0;

  bool has(size_t repeat) const { return repeat >= begin && repeat < end; }
};

class Fold {
 public:
  Fold(const graph::Window& window, graph::SignatureTable* signatures, SplitCalls* split,
       const std::vector<uint32_t>& calls, const std::vector<Run>& runs)
      : window_(window), signatures_(*signatures), split_(*split), calls_(calls), runs_(runs) {}

  std::optional<FoldedWindow> run(size_t layers) {
    left_out_ = runs_[0].repeats - layers;
    find_owners();
    if (!find_gaps(layers)) return std::nullopt;
    rename();
    OptimizerItems items(&signatures_, &split_, &rename_, parameters_left_out());
    for (size_t c = runs_.back().end(); c < calls_.size(); ++c) items.see(window_, node(c));
    if (!items.finish()) return std::nullopt;
    const auto calls = emit(items);
    if (!calls) return std::nullopt;
    FoldedWindow out{.layers = layers};
    out.absent = absent(*calls);
    out.window = with_memory(*calls, out.absent);
    if (!verify(out.window, signatures_).ok()) return std::nullopt;
    return out;
  }

 private:
  struct Owner {
    uint32_t run = kNoRun;
    size_t first = 0, last = 0;  // repeats of it that touch the storage
    bool made = false;           // in the first of them
  };

  const graph::Node& node(size_t call) const { return window_.nodes[calls_[call]]; }
  std::span<const StorageId> storages(size_t call) const { return window_.storages_of(node(call)); }

  // The first run that touches a storage owns it.
  void find_owners() {
    for (uint32_t r = 0; r < runs_.size(); ++r) {
      for (size_t c = runs_[r].begin; c < runs_[r].end(); ++c) {
        const size_t repeat = (c - runs_[r].begin) / runs_[r].period;
        const uint32_t operands = signatures_.at(node(c).signature).arity.operands;
        for (size_t k = 0; k < storages(c).size(); ++k) {
          const auto [at, is_new] =
              owners_.try_emplace(storages(c)[k], Owner{r, repeat, repeat, k >= operands});
          if (at->second.run == r) at->second.last = repeat;
        }
      }
      for (uint32_t i = calls_[runs_[r].begin]; i < calls_[runs_[r].end() - 1]; ++i) {
        const graph::Node& n = window_.nodes[i];
        if (n.kind != graph::NodeKind::kAlloc) continue;
        const auto at = owners_.find(window_.storages_of(n)[0]);
        if (at != owners_.end() && at->second.run == r) at->second.made = true;
      }
    }
  }

  // Of the first run the gap is as wanted; of another what touches the same layers.
  bool find_gaps(size_t layers) {
    const size_t begin = layers / 2;
    gaps_.push_back({begin, begin + left_out_});
    for (size_t r = 1; r < runs_.size(); ++r) {
      const Run& run = runs_[r];
      std::optional<Gap> gap;
      std::optional<int64_t> before, step;
      for (size_t q = 0; q < run.repeats; ++q) {
        const std::optional<int64_t> layer = layer_of(run, q);
        if (!layer) return false;
        if (before) {
          if (step && *layer - *before != *step) return false;
          step = *layer - *before;
        }
        before = layer;
        if (!gaps_[0].has(static_cast<size_t>(*layer))) continue;
        if (!gap) gap = Gap{q, q};
        gap->end = q + 1;
      }
      if (!step || std::abs(*step) != 1 || !gap || gap->end - gap->begin != left_out_) return false;
      gaps_.push_back(*gap);
    }
    return true;
  }

  // The last layer of which a repeat touches what no other layer of the first run does.
  std::optional<int64_t> layer_of(const Run& run, size_t repeat) const {
    std::optional<int64_t> layer;
    const size_t begin = run.begin + repeat * run.period;
    for (size_t c = begin; c < begin + run.period; ++c) {
      for (const StorageId s : storages(c)) {
        const auto at = owners_.find(s);
        if (at == owners_.end() || at->second.run != 0) continue;
        if (at->second.first != at->second.last) continue;
        layer = std::max(layer.value_or(-1), static_cast<int64_t>(at->second.first));
      }
    }
    return layer;
  }

  // What only repeats in the gap touch is replaced by what stands at its place beside the gap.
  void rename() {
    for (uint32_t r = 0; r < runs_.size(); ++r) {
      const Run& run = runs_[r];
      for (size_t repeat = gaps_[r].begin; repeat < gaps_[r].end; ++repeat) {
        for (size_t j = 0; j < run.period; ++j) {
          const size_t c = run.begin + repeat * run.period + j;
          const std::optional<size_t> other = beside(run, repeat);
          for (size_t k = 0; k < storages(c).size(); ++k) {
            const StorageId s = storages(c)[k];
            if (s == 0 || !is_left_out(s, r) || rename_.contains(s)) continue;
            rename_[s] = other ? storages(run.begin + *other * run.period + j)[k] : 0;
          }
        }
      }
    }
  }
  bool is_left_out(StorageId s, uint32_t run) const {
    const Owner& o = owners_.at(s);
    return o.run == run && gaps_[run].has(o.first) && (o.made || gaps_[run].has(o.last));
  }
  std::optional<size_t> beside(const Run& run, size_t repeat) const {
    if (repeat >= left_out_) return repeat - left_out_;
    if (repeat + left_out_ < run.repeats) return repeat + left_out_;
    return std::nullopt;
  }

  // Of what is left out, that which is older than the first run.
  std::unordered_set<StorageId> parameters_left_out() const {
    std::unordered_set<StorageId> found;
    for (const auto& [s, other] : rename_) {
      const Owner& o = owners_.at(s);
      if (o.run == 0 && !o.made) found.insert(s);
    }
    return found;
  }

  // ---- the window that is left

  std::optional<size_t> run_of(size_t call) const {
    for (size_t r = 0; r < runs_.size(); ++r) {
      if (call >= runs_[r].begin && call < runs_[r].end()) return r;
    }
    return std::nullopt;
  }
  bool in_gap(size_t call) const {
    const auto r = run_of(call);
    return r && gaps_[*r].has((call - runs_[*r].begin) / runs_[*r].period);
  }

  // Calls alone, with those of the whole window at the places of what is no call.
  struct Kept {
    graph::Window calls{};
    std::vector<std::pair<uint32_t, uint32_t>> memory{};  // node of the window, calls before it
  };
  std::optional<Kept> emit(OptimizerItems& items) const {
    Kept kept;
    size_t call = 0;
    std::unordered_set<StorageId> lost;  // made before the layers for those that are left out
    for (uint32_t i = 0; i < window_.nodes.size(); ++i) {
      const graph::Node& n = window_.nodes[i];
      if (n.kind != graph::NodeKind::kCall) {
        kept.memory.emplace_back(i, static_cast<uint32_t>(kept.calls.nodes.size()));
        continue;
      }
      const size_t at = call++;
      if (in_gap(at)) continue;
      if (at >= runs_.back().end()) {
        if (!items.emit(window_, n, &kept.calls)) return std::nullopt;
      } else if (at < runs_[0].begin && touches(n, lost)) {
        for (const StorageId s : window_.storages_of(n)) lost.insert(s);
      } else if (!copy(n, &kept.calls)) {
        return std::nullopt;
      }
    }
    return kept;
  }
  bool touches(const graph::Node& n, const std::unordered_set<StorageId>& lost) const {
    return std::ranges::any_of(window_.storages_of(n), [&](StorageId s) {
      return rename_.contains(s) || lost.contains(s);
    });
  }
  // False where nothing stands at the place of what the call reads.
  bool copy(const graph::Node& n, graph::Window* out) const {
    std::vector<StorageId> ids(window_.storages_of(n).begin(), window_.storages_of(n).end());
    for (StorageId& s : ids) {
      const auto at = rename_.find(s);
      if (at == rename_.end()) continue;
      if (at->second == 0) return false;
      s = at->second;
    }
    out->call(n.signature, ids, window_.words_of(n), n.line);
    return true;
  }

  // What calls of the window use and those that are kept do not.
  std::unordered_set<StorageId> absent(const Kept& kept) const {
    std::unordered_set<StorageId> found;
    for (const uint32_t i : calls_) {
      for (const StorageId s : window_.storages_of(window_.nodes[i])) found.insert(s);
    }
    for (const StorageId s : kept.calls.storages) found.erase(s);
    return found;
  }

  // Storages are released where they were, and where something took another's place after its last
  // use.
  graph::Window with_memory(const Kept& kept, const std::unordered_set<StorageId>& absent) const {
    const graph::Window& calls = kept.calls;
    std::unordered_map<StorageId, uint32_t> last;  // calls up to the last use
    for (uint32_t i = 0; i < calls.nodes.size(); ++i) {
      for (const StorageId s : calls.storages_of(calls.nodes[i])) last[s] = i + 1;
    }
    std::vector<std::vector<uint32_t>> before(calls.nodes.size() + 1);  // nodes of the window
    for (const auto& [i, place] : kept.memory) {
      const graph::Node& n = window_.nodes[i];
      const StorageId s = window_.storages_of(n)[0];
      if (absent.contains(s)) continue;
      const auto used = last.find(s);
      const bool late = n.kind == graph::NodeKind::kFree && used != last.end();
      before[late ? std::max(place, used->second) : place].push_back(i);
    }
    graph::Window out;
    for (uint32_t i = 0; i <= calls.nodes.size(); ++i) {
      for (const uint32_t m : before[i]) copy_memory(window_.nodes[m], &out);
      if (i == calls.nodes.size()) break;
      const graph::Node& n = calls.nodes[i];
      out.call(n.signature, calls.storages_of(n), calls.words_of(n), n.line);
    }
    return out;
  }
  void copy_memory(const graph::Node& n, graph::Window* out) const {
    const StorageId s = window_.storages_of(n)[0];
    if (n.kind == graph::NodeKind::kAlloc) out->alloc(s, window_.words_of(n)[0]);
    if (n.kind == graph::NodeKind::kResize) out->resize(s, window_.words_of(n)[0]);
    if (n.kind == graph::NodeKind::kFree) out->free(s);
  }

  const graph::Window& window_;
  graph::SignatureTable& signatures_;
  SplitCalls& split_;
  const std::vector<uint32_t>& calls_;
  const std::vector<Run>& runs_;
  size_t left_out_ = 0;
  std::vector<Gap> gaps_;  // by run
  std::unordered_map<StorageId, Owner> owners_;
  std::unordered_map<StorageId, StorageId> rename_;
};

}  // namespace

LayerFolder::LayerFolder(const graph::Window& window, graph::SignatureTable* signatures)
    : window_(window), signatures_(*signatures), split_(std::make_unique<SplitCalls>(signatures)) {
  std::vector<uint32_t> kinds;
  std::vector<bool> products;
  std::unordered_map<graph::SignatureId, bool> known;
  for (uint32_t i = 0; i < window.nodes.size(); ++i) {
    const graph::Node& n = window.nodes[i];
    if (n.kind != graph::NodeKind::kCall) continue;
    const auto [at, is_new] = known.try_emplace(n.signature);
    if (is_new) {
      at->second = cost::call_work(signatures->at(n.signature).signature()).flops > 0;
    }
    calls_.push_back(i);
    kinds.push_back(n.signature);
    products.push_back(at->second);
  }
  runs_ = find_runs(kinds, products, kRepeatsMin);
}

std::optional<FoldedWindow> LayerFolder::keep(size_t layers) const {
  if (runs_.empty() || layers < 2 || layers >= runs_[0].repeats) return std::nullopt;
  return Fold(window_, &signatures_, split_.get(), calls_, runs_).run(layers);
}

}  // namespace moai::compiler
