#include "moai/compiler/passes/recompute.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "moai/compiler/analysis/analysed.h"
#include "moai/compiler/cost/call_work.h"
#include "moai/compiler/passes/forward_parts.h"
#include "moai/compiler/verify/verify_same.h"

namespace moai::compiler {
namespace {

using graph::NodeKind;
using graph::StorageId;

// A product that computes less than this part of what the others do, for each byte that it makes,
// is called again where only what is cheap is.
constexpr double kCheapProduct = 0.5;

// Which calls are made again, in groups that are run at once.
struct Plan {
  std::vector<std::vector<uint32_t>> groups{};       // nodes, ascending
  std::unordered_map<StorageId, size_t> replaced{};  // what the backward pass reads anew
};

class Planner {
 public:
  Planner(const graph::Window& w, const WindowUse& use, std::vector<Slice> slices, Recompute how,
          const graph::SignatureTable& signatures)
      : window_(w), use_(use), slices_(std::move(slices)), signatures_(signatures) {
    parts_ = forward_parts(w, use, slices_, signatures);
    for (uint32_t i = 0; i < w.nodes.size(); ++i) {
      if (w.nodes[i].kind == NodeKind::kCall && slices_[i] == Slice::kBackward) {
        backward_.push_back(i);
      }
    }
    keep_what_crosses();
    if (how == Recompute::kSelective) keep_dear_products();
  }

  Plan run() {
    if (backward_.empty()) return {};
    for (;;) {
      const size_t kept = kept_.size();
      Plan plan = closure();
      if (kept_.size() == kept) plan = check(std::move(plan));
      if (kept_.size() == kept) return plan;
    }
  }

 private:
  bool is_backward(uint32_t node) const { return slices_[node] == Slice::kBackward; }
  bool may_go(StorageId id) const { return !kept_.contains(id); }

  // Everything but what one part makes for itself and the backward pass.
  void keep_what_crosses() {
    for (const auto& [id, s] : use_.storages) {
      bool own = s.made && s.released && !s.writers.empty();
      const int part = own ? parts_[s.writers[0]] : -1;
      own = own && part >= 0;
      for (const uint32_t n : s.writers) own = own && parts_[n] == part;
      for (const uint32_t n : s.readers) own = own && (is_backward(n) || parts_[n] == part);
      if (!own) kept_.insert(id);
    }
  }

  void keep_dear_products() {
    struct Made {
      uint32_t node;
      double intensity, flops;
    };
    std::vector<Made> made;
    double all = 0;
    for (uint32_t i = 0; i < window_.nodes.size(); ++i) {
      if (window_.nodes[i].kind != NodeKind::kCall || parts_[i] < 0) continue;
      const double flops =
          cost::call_work(signatures_.at(window_.nodes[i].signature).signature()).flops;
      if (flops == 0) continue;
      double bytes = 0;
      for (const StorageId id : use_.calls[i].written) {
        bytes += static_cast<double>(use_.storages.at(id).bytes);
      }
      made.push_back({i, bytes > 0 ? flops / bytes : 0, flops});
      all += flops;
    }
    std::ranges::stable_sort(made, {}, &Made::intensity);
    double below = 0, middle = 0;  // of half the FLOPs
    for (const Made& m : made) {
      if (below < all / 2) middle = m.intensity;
      below += m.flops;
    }
    for (const Made& m : made) {
      if (m.intensity < kCheapProduct * middle) continue;
      for (const StorageId id : use_.calls[m.node].written) kept_.insert(id);
    }
  }

  // All calls that make again what the backward pass reads; what cannot be made again is kept.
  Plan closure() {
    Plan plan;
    std::set<uint32_t> again;
    std::vector<StorageId> todo;
    for (const auto& [id, s] : use_.storages) {
      const bool saved =
          may_go(id) && std::ranges::any_of(s.readers, [&](uint32_t n) { return is_backward(n); });
      if (!saved) continue;
      plan.replaced[id] = 0;
      todo.push_back(id);
    }
    std::unordered_set<StorageId> seen(todo.begin(), todo.end());
    while (!todo.empty()) {
      const StorageId id = todo.back();
      todo.pop_back();
      for (const uint32_t n : use_.storages.at(id).writers) {
        if (!can_repeat(n)) {
          keep_all_of(n);
          return plan;
        }
        again.insert(n);
        for (const std::vector<StorageId>* ids : {&use_.calls[n].read, &use_.calls[n].written}) {
          for (const StorageId t : *ids) {
            if (may_go(t) && seen.insert(t).second) todo.push_back(t);
          }
        }
      }
    }
    group(again, &plan);
    return plan;
  }
  // It writes nothing that is kept but by making it.
  bool can_repeat(uint32_t n) const {
    const CallUse& call = use_.calls[n];
    return std::ranges::all_of(call.written, [&](StorageId id) {
      return may_go(id) || std::ranges::find(call.results, id) != call.results.end();
    });
  }
  void keep_all_of(uint32_t n) {
    for (const StorageId id : use_.calls[n].written) kept_.insert(id);
  }

  // Calls that share what is not kept run together.
  void group(const std::set<uint32_t>& again, Plan* plan) {
    std::unordered_map<StorageId, uint32_t> first;
    std::unordered_map<uint32_t, uint32_t> parent;
    const auto root = [&](uint32_t n) {
      while (parent[n] != n) n = parent[n];
      return n;
    };
    for (const uint32_t n : again) {
      parent[n] = n;
      for (const std::vector<StorageId>* ids : {&use_.calls[n].read, &use_.calls[n].written}) {
        for (const StorageId id : *ids) {
          if (!may_go(id)) continue;
          const auto [found, is_new] = first.try_emplace(id, n);
          if (!is_new) parent[root(n)] = root(found->second);
        }
      }
    }
    std::unordered_map<uint32_t, size_t> number;
    for (const uint32_t n : again) {
      const auto [found, is_new] = number.try_emplace(root(n), plan->groups.size());
      if (is_new) plan->groups.emplace_back();
      plan->groups[found->second].push_back(n);
    }
    for (auto& [id, at] : plan->replaced) {
      at = number.at(root(use_.storages.at(id).writers[0]));
    }
  }

  // What a group reads and does not make must be as it was, and a group must gain by it.
  Plan check(Plan plan) {
    std::vector<uint32_t> begin(plan.groups.size(), static_cast<uint32_t>(window_.nodes.size()));
    std::vector<double> gained(plan.groups.size());
    for (const auto& [id, at] : plan.replaced) {
      const StorageUse& s = use_.storages.at(id);
      gained[at] += static_cast<double>(s.bytes);
      for (const uint32_t n : s.readers) {
        if (is_backward(n)) begin[at] = std::min(begin[at], n);
      }
    }
    for (size_t g = 0; g < plan.groups.size(); ++g) {
      if (is_as_it_was(plan.groups[g], begin[g]) && gained[g] > kept_longer(plan.groups[g])) {
        continue;
      }
      for (const auto& [id, at] : plan.replaced) {
        if (at == g) kept_.insert(id);
      }
    }
    return plan;
  }
  bool is_as_it_was(const std::vector<uint32_t>& nodes, uint32_t begin) const {
    for (const uint32_t n : nodes) {
      if (n >= begin) return false;
      for (const StorageId id : use_.calls[n].read) {
        if (may_go(id)) continue;
        for (const uint32_t w : use_.storages.at(id).writers) {
          if (w >= n && w < begin) return false;
        }
      }
    }
    return true;
  }
  // Bytes that would leave before the backward pass, were it not for the group.
  double kept_longer(const std::vector<uint32_t>& nodes) const {
    std::set<StorageId> found;
    for (const uint32_t n : nodes) {
      for (const StorageId id : use_.calls[n].read) {
        const StorageUse& s = use_.storages.at(id);
        if (may_go(id) || !s.made || !s.released) continue;
        if (!std::ranges::any_of(s.readers, [&](uint32_t r) { return is_backward(r); })) {
          found.insert(id);
        }
      }
    }
    double bytes = 0;
    for (const StorageId id : found) bytes += static_cast<double>(use_.storages.at(id).bytes);
    return bytes;
  }

  const graph::Window& window_;
  const WindowUse& use_;
  const std::vector<Slice> slices_;
  const graph::SignatureTable& signatures_;
  std::vector<int> parts_;  // by node
  std::vector<uint32_t> backward_;
  std::unordered_set<StorageId> kept_;
};

class Emission {
 public:
  Emission(const graph::Window& w, const std::vector<uint64_t>& words, const WindowUse& use,
           const Plan& plan, const std::vector<Slice>& slices, StorageId first_temporary)
      : window_(w),
        words_(words),
        use_(use),
        plan_(plan),
        slices_(slices),
        next_(first_temporary) {}

  Recomputed run() {
    done_.assign(plan_.groups.size(), false);
    for (uint32_t i = 0; i < window_.nodes.size(); ++i) {
      const graph::Node& n = window_.nodes[i];
      if (n.kind == NodeKind::kFree && is_used(window_.storages_of(n)[0])) continue;
      if (n.kind != NodeKind::kCall) {
        nodes_.push_back({i, {}, false});
        continue;
      }
      const bool backward = slices_[i] != Slice::kForward;
      if (slices_[i] == Slice::kBackward) {
        for (const StorageId id : use_.calls[i].read) {
          const auto found = plan_.replaced.find(id);
          if (found != plan_.replaced.end()) repeat(found->second);
        }
      }
      nodes_.push_back({i, renamed(i, renamed_), backward});
    }
    return emit();
  }

 private:
  struct Emitted {
    uint32_t source = 0;
    std::vector<StorageId> storages{};  // of a call; of another as in the window
    bool backward = false;
    StorageId allocated = 0;  // the copy of what the source allocates
  };

  bool is_used(StorageId id) const {
    const auto found = use_.storages.find(id);
    return found != use_.storages.end() &&
           !(found->second.writers.empty() && found->second.readers.empty());
  }
  std::vector<StorageId> renamed(uint32_t node,
                                 const std::unordered_map<StorageId, StorageId>& names) const {
    const auto ids = window_.storages_of(window_.nodes[node]);
    std::vector<StorageId> out(ids.begin(), ids.end());
    for (StorageId& id : out) {
      const auto found = names.find(id);
      if (found != names.end()) id = found->second;
    }
    return out;
  }

  void repeat(size_t group) {
    if (done_[group]) return;
    done_[group] = true;
    std::unordered_map<StorageId, StorageId> names;
    for (const uint32_t n : plan_.groups[group]) {
      for (const StorageId id : use_.calls[n].written) {
        if (!names.try_emplace(id, next_).second) continue;
        if (use_.storages.at(id).allocated) {
          nodes_.push_back({.source = n, .backward = true, .allocated = next_});
          bytes_[next_] = use_.storages.at(id).bytes;
        }
        ++next_;
      }
      nodes_.push_back({n, renamed(n, names), true});
    }
    for (const auto& [id, at] : plan_.replaced) {
      if (at == group) renamed_[id] = names.at(id);
    }
  }

  // Storages leave with their last use.
  Recomputed emit() {
    std::unordered_map<StorageId, size_t> last;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      for (const StorageId id : nodes_[i].storages) last[id] = i;
    }
    std::vector<std::vector<StorageId>> ends(nodes_.size());
    for (const auto& [id, at] : last) {
      const auto known = use_.storages.find(id);
      const bool copy = known == use_.storages.end();
      if (id != 0 && (copy || known->second.released)) ends[at].push_back(id);
    }
    Recomputed out{.next_temporary = next_};
    const auto note = [&](const Emitted& e) {
      out.sources.push_back(e.source);
      out.backward.push_back(e.backward);
      const graph::Node& n = window_.nodes[e.source];
      const graph::Node& made = out.window.nodes.back();
      for (uint32_t k = 0; k < made.words_count; ++k) {
        const bool is_call = made.kind == NodeKind::kCall;
        out.words.push_back(is_call ? words_[n.words_begin + k]
                                    : out.window.words[made.words_begin + k]);
      }
    };
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const Emitted& e = nodes_[i];
      const graph::Node& n = window_.nodes[e.source];
      if (e.allocated != 0) {
        out.window.alloc(e.allocated, bytes_.at(e.allocated));
      } else if (n.kind == NodeKind::kCall) {
        out.window.call(n.signature, e.storages, window_.words_of(n), n.line);
      } else if (n.kind == NodeKind::kAlloc) {
        out.window.alloc(window_.storages_of(n)[0], window_.words_of(n)[0]);
      } else if (n.kind == NodeKind::kResize) {
        out.window.resize(window_.storages_of(n)[0], window_.words_of(n)[0]);
      } else {
        out.window.free(window_.storages_of(n)[0]);
      }
      note(e);
      std::ranges::sort(ends[i]);
      for (const StorageId id : ends[i]) {
        out.window.free(id);
        note(e);
      }
    }
    return out;
  }

  const graph::Window& window_;
  const std::vector<uint64_t>& words_;
  const WindowUse& use_;
  const Plan& plan_;
  const std::vector<Slice>& slices_;
  StorageId next_;
  std::vector<bool> done_;  // by group
  std::vector<Emitted> nodes_;
  std::unordered_map<StorageId, StorageId> renamed_;  // by now
  std::unordered_map<StorageId, uint64_t> bytes_;
};

}  // namespace

Recomputed recompute(const graph::Window& w, const std::vector<uint64_t>& words,
                     const std::vector<StorageId>& uploaded, Recompute how,
                     StorageId first_temporary, const graph::SignatureTable& signatures) {
  const Analysed analysed(w, signatures);
  const Roles roles = find_roles(analysed.graph, analysed.factors, uploaded);
  const std::vector<Slice> slices = slices_by_source(analysed.graph, roles, w.nodes.size());
  const WindowUse use(w, signatures);
  Plan plan;
  if (how != Recompute::kNone) plan = Planner(w, use, slices, how, signatures).run();
  Recomputed out =
      Emission(w, words.empty() ? w.words : words, use, plan, slices, first_temporary).run();
  out.verified = verify_same(w, out.window, signatures);
  return out;
}

}  // namespace moai::compiler
