#include "moai/compiler/verify/verify_windows.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "moai/compiler/verify/report.h"
#include "moai/compiler/verify/step_run.h"

namespace moai::compiler {
namespace {

using graph::NodeKind;
using graph::StorageId;

std::string name_of(StorageId id) { return "s" + std::to_string(id); }

class WindowsCheck {
 public:
  WindowsCheck(const Lowering& in, std::span<const graph::Window> ranks,
               const graph::SignatureTable& signatures)
      : in_(in),
        ranks_(ranks),
        class_(share_classes(in)),
        contents_(in.program->registers.size()),
        steps_(in, ranks, signatures, &contents_) {
    read_window(signatures);
  }

  Status run() {
    if (ranks_.size() != class_.size()) return fault("the mesh", "it has another number of ranks");
    MOAI_RETURN_IF_ERROR(check_lockstep());
    begin();
    for (size_t i = 0; i < ranks_[0].nodes.size(); ++i) {
      const graph::Node& n = ranks_[0].nodes[i];
      switch (n.kind) {
        case NodeKind::kCall:
          MOAI_RETURN_IF_ERROR(steps_.call(i));
          break;
        case NodeKind::kAlloc:
          MOAI_RETURN_IF_ERROR(allocate(i, ranks_[0].storages_of(n)[0]));
          break;
        case NodeKind::kFree:
          MOAI_RETURN_IF_ERROR(release(ranks_[0].storages_of(n)[0]));
          break;
        case NodeKind::kResize:
          MOAI_RETURN_IF_ERROR(grow(i, ranks_[0].storages_of(n)[0]));
          break;
      }
    }
    MOAI_RETURN_IF_ERROR(steps_.finish());
    MOAI_RETURN_IF_ERROR(check_left());
    return check_storages();
  }

 private:
  // What the window makes, releases, and what must have been there before.
  void read_window(const graph::SignatureTable& signatures) {
    const graph::Window& w = *in_.window;
    std::unordered_set<StorageId> made;
    for (const graph::Node& n : w.nodes) {
      const std::span<const StorageId> ids = w.storages_of(n);
      switch (n.kind) {
        case NodeKind::kAlloc:
          made.insert(ids[0]);
          break;
        case NodeKind::kFree:
          released_.insert(ids[0]);
          break;
        case NodeKind::kResize:
          grown_[ids[0]] = w.words_of(n)[0];
          break;
        case NodeKind::kCall:
          for (const StorageId id : ids.subspan(signatures.at(n.signature).arity.operands)) {
            made.insert(id);
          }
          break;
      }
      known_.insert(ids.begin(), ids.end());
    }
    known_.erase(0);
    for (const StorageId id : in_.absent) known_.erase(id);
    for (const StorageId id : known_) {
      if (!made.contains(id)) contents_.make(id, {});
    }
    for (const StorageId id : made) grown_.erase(id);
  }

  Status check_lockstep() const {
    const graph::Window& first = ranks_[0];
    for (size_t rank = 1; rank < ranks_.size(); ++rank) {
      const graph::Window& w = ranks_[rank];
      const std::string name = "rank " + std::to_string(rank);
      if (w.nodes.size() != first.nodes.size()) return fault(name, "it makes more or fewer calls");
      for (size_t i = 0; i < w.nodes.size(); ++i) {
        const bool alike =
            w.nodes[i].kind == first.nodes[i].kind &&
            std::ranges::equal(w.storages_of(w.nodes[i]), first.storages_of(first.nodes[i])) &&
            w.nodes[i].words_count == first.nodes[i].words_count;
        if (!alike) return fault(name, "its node " + std::to_string(i) + " is not rank 0's");
      }
    }
    return ok_status();
  }

  // Registers lie in their storages from when these exist.
  void begin() {
    for (const RegisterId r : in_.program->inputs) {
      const StorageContents::Place home = home_place(in_, r);
      if (contents_.exists(home.storage)) {
        put_register(in_, r, home, &contents_);
      } else {
        later_[home.storage].push_back(r);
      }
    }
  }

  Status allocate(size_t node, StorageId id) {
    std::vector<uint64_t> bytes;
    for (const graph::Window& w : ranks_) bytes.push_back(w.words_of(w.nodes[node])[0]);
    for (size_t rank = 0; rank < bytes.size(); ++rank) {
      if (bytes[rank] != bytes[class_[rank]]) {
        return fault(name_of(id), "ranks of equal shares allocate other sizes");
      }
    }
    if (!contents_.make(id, std::move(bytes))) return fault(name_of(id), "it is allocated twice");
    for (const RegisterId r : later_[id]) {
      if (!put_register(in_, r, home_place(in_, r), &contents_)) {
        return fault(name_of(id), "it is too small for " + register_text(in_, r));
      }
    }
    return ok_status();
  }

  // What was there before, as the window says; what it allocates is large enough at once.
  Status grow(size_t node, StorageId id) {
    const auto to = grown_.find(id);
    if (to == grown_.end()) return fault(name_of(id), "it grows, in the window it does not");
    for (const graph::Window& w : ranks_) {
      if (w.words_of(w.nodes[node])[0] > to->second) return fault(name_of(id), "it grows more");
      if (w.words_of(w.nodes[node])[0] == to->second) has_grown_.insert(id);
    }
    return ok_status();
  }

  Status release(StorageId id) {
    if (known_.contains(id) && !released_.contains(id)) {
      return fault(name_of(id), "it is released, the window keeps it");
    }
    return contents_.release(id) ? ok_status() : fault(name_of(id), "it is released twice");
  }

  // What the window leaves, and what it only reads, lies where it began.
  Status check_left() const {
    std::vector<RegisterId> last(in_.graph->segments.size(), kNone);
    const auto segment = [&](RegisterId r) {
      return in_.graph->values[in_.program->registers[r].value].segment;
    };
    for (const RegisterId r : in_.program->inputs) last[segment(r)] = r;
    for (const RegisterId r : in_.program->outputs) last[segment(r)] = r;
    for (const RegisterId r : last) {
      if (r == kNone || in_.graph->segments[segment(r)].released) continue;
      if (contents_.at(home_place(in_, r)) == r) continue;
      return fault(register_text(in_, r),
                   "it is not at home at the end, it " + contents_.lost_text(r));
    }
    return ok_status();
  }

  Status check_storages() const {
    for (const auto& [id, bytes] : grown_) {
      if (!has_grown_.contains(id)) return fault(name_of(id), "it does not grow");
    }
    for (const RegisterId r : in_.program->inputs) {
      const StorageId id =
          in_.graph->segments[in_.graph->values[in_.program->registers[r].value].segment].storage;
      const Placement& p = in_.program->registers[r].placement;
      if (grown_.contains(id) && std::ranges::any_of(p, &AxisPlacement::split)) {
        return fault(name_of(id), "shares of it cannot grow");
      }
    }
    for (const StorageId id : contents_.all()) {
      if (!known_.contains(id)) return fault(name_of(id), "a copy is never released");
      if (released_.contains(id)) return fault(name_of(id), "it is never released");
    }
    for (const StorageId id : known_) {
      if (!released_.contains(id) && !contents_.exists(id)) {
        return fault(name_of(id), "the window leaves it, no rank makes it");
      }
    }
    return ok_status();
  }

  const Lowering& in_;
  const std::span<const graph::Window> ranks_;
  const std::vector<size_t> class_;
  StorageContents contents_;
  StepRun steps_;
  std::unordered_map<StorageId, uint64_t> grown_;  // to how many bytes
  std::unordered_set<StorageId> has_grown_;
  std::unordered_set<StorageId> known_, released_;                // of the window
  std::unordered_map<StorageId, std::vector<RegisterId>> later_;  // until it is allocated
};

}  // namespace

Status verify_windows(const Lowering& in, std::span<const graph::Window> ranks,
                      const graph::SignatureTable& signatures) {
  return WindowsCheck(in, ranks, signatures).run();
}

}  // namespace moai::compiler
