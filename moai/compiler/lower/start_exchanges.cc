#include "moai/compiler/lower/start_exchanges.h"

#include <algorithm>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

#include "moai/compiler/sharding/skipped_region.h"
#include "moai/ops/started_call.h"

namespace moai::compiler {
namespace {

using graph::Node;
using graph::NodeKind;
using graph::StorageId;

// What of a call counts here.
struct CallForm {
  bool can_start = false, border = false;
  bool computes = false;  // no call of `moai::`
  graph::SignatureId start = 0, wait = 0;
};

struct InFlight {
  graph::SignatureId wait = 0;
  std::vector<StorageId> reads{}, makes{};
  std::vector<StorageId> freed{};  // behind it
};

bool contains(const std::vector<StorageId>& all, StorageId id) {
  return id != 0 && std::ranges::find(all, id) != all.end();
}

class Starting {
 public:
  Starting(const graph::Window& program, graph::SignatureTable* signatures,
           const std::vector<uint32_t>& sources)
      : program_(program), signatures_(*signatures), sources_(sources) {}

  void run() {
    for (uint32_t i = 0; i < program_.nodes.size(); ++i) {
      const Node& n = program_.nodes[i];
      source_ = sources_[i];
      while (const auto needed = first_needed(n)) finish(*needed);
      if (n.kind == NodeKind::kFree && defer(program_.storages_of(n)[0])) continue;
      if (n.kind == NodeKind::kCall && form(n.signature).can_start && goes_on_beside(i)) {
        start(n);
      } else {
        append(n, n.signature);
      }
    }
    while (!flight_.empty()) finish(flight_.begin());
  }

  graph::Window out{};
  std::vector<uint32_t> out_sources{};

 private:
  using At = std::list<InFlight>::iterator;

  const CallForm& form(graph::SignatureId id) {
    const auto [found, is_new] = forms_.try_emplace(id);
    if (is_new) {
      const ops::CallSignature s = signatures_.at(id).signature();
      CallForm& f = found->second;
      f.can_start = ops::can_start(s);
      f.border = region_border(s.op) != RegionBorder::kNone;
      f.computes = !s.op.starts_with("moai::");
    }
    return found->second;
  }

  InFlight in_flight(const Node& n) {
    const auto ids = program_.storages_of(n);
    const auto& entry = signatures_.at(n.signature);
    const auto operands = ids.first(entry.arity.operands), fresh = ids.subspan(operands.size());
    InFlight f{.reads = {operands.begin(), operands.end()}};
    const auto makes = fresh.empty() ? operands : fresh;
    f.makes.assign(makes.begin(), makes.end());
    return f;
  }

  template <class See>
  static void each_touched(const InFlight& f, const See& see) {
    std::ranges::for_each(f.reads, see);
    std::ranges::for_each(f.makes, see);
  }

  // Whether the node cannot run while the exchange is in flight. A release can, later.
  bool needs(const Node& n, const InFlight& f) {
    const auto ids = program_.storages_of(n);
    if (n.kind == NodeKind::kFree) return contains(f.makes, ids[0]);
    if (n.kind != NodeKind::kCall) return contains(f.makes, ids[0]) || contains(f.reads, ids[0]);
    if (form(n.signature).border) return true;
    const std::vector<bool>& written = signatures_.at(n.signature).written;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (contains(f.makes, ids[i])) return true;
      if ((i >= written.size() || written[i]) && contains(f.reads, ids[i])) return true;
    }
    return false;
  }
  std::optional<At> first_needed(const Node& n) {
    const auto touches = [this](StorageId id) { return touched_.contains(id); };
    const bool border = n.kind == NodeKind::kCall && form(n.signature).border;
    if (!border && std::ranges::none_of(program_.storages_of(n), touches)) return std::nullopt;
    for (auto f = flight_.begin(); f != flight_.end(); ++f) {
      if (needs(n, *f)) return f;
    }
    return std::nullopt;
  }

  bool goes_on_beside(uint32_t at) {
    const InFlight f = in_flight(program_.nodes[at]);
    for (uint32_t i = at + 1; i < program_.nodes.size(); ++i) {
      const Node& n = program_.nodes[i];
      if (needs(n, f)) return false;
      if (n.kind == NodeKind::kCall && form(n.signature).computes) return true;
    }
    return false;
  }

  void start(const Node& n) {
    CallForm& f = forms_.at(n.signature);
    if (f.start == 0) {
      const ops::CallSignature s = signatures_.at(n.signature).signature();
      f.start = signatures_.intern(ops::start_of(s));
      f.wait = signatures_.intern(ops::wait_of(s));
    }
    append(n, f.start);
    flight_.push_back(in_flight(n));
    flight_.back().wait = f.wait;
    each_touched(flight_.back(), [this](StorageId id) { ++touched_[id]; });
  }

  void finish(At f) {
    const InFlight done = std::move(*f);
    flight_.erase(f);
    each_touched(done, [this](StorageId id) {
      if (--touched_.at(id) == 0) touched_.erase(id);
    });
    out.call(done.wait, done.makes, {}, 0);
    out_sources.push_back(source_);
    for (const StorageId id : done.freed) {
      if (defer(id)) continue;
      out.free(id);
      out_sources.push_back(source_);
    }
  }

  // Whether something in flight reads the storage that is released, which then comes later.
  bool defer(StorageId id) {
    if (!touched_.contains(id)) return false;
    const auto last = std::find_if(flight_.rbegin(), flight_.rend(),
                                   [&](const InFlight& f) { return contains(f.reads, id); });
    if (last == flight_.rend()) return false;
    last->freed.push_back(id);
    const auto keeps = [](const InFlight& f) { return !f.freed.empty(); };
    if (std::ranges::count_if(flight_, keeps) > kKeepingMax) {
      finish(std::ranges::find_if(flight_, keeps));
    }
    return true;
  }

  void append(const Node& n, graph::SignatureId signature) {
    const auto ids = program_.storages_of(n);
    const auto words = program_.words_of(n);
    switch (n.kind) {
      case NodeKind::kCall:
        out.call(signature, ids, words, n.line);
        break;
      case NodeKind::kAlloc:
        out.alloc(ids[0], words[0]);
        break;
      case NodeKind::kResize:
        out.resize(ids[0], words[0]);
        break;
      case NodeKind::kFree:
        out.free(ids[0]);
        break;
    }
    out_sources.push_back(source_);
  }

  const graph::Window& program_;
  graph::SignatureTable& signatures_;
  const std::vector<uint32_t>& sources_;
  uint32_t source_ = 0;
  std::list<InFlight> flight_;                  // in the order of their starts
  std::unordered_map<StorageId, int> touched_;  // by what is in flight, how often
  std::unordered_map<graph::SignatureId, CallForm> forms_;
};

}  // namespace

graph::Window start_exchanges(const graph::Window& program, graph::SignatureTable* signatures,
                              std::vector<uint32_t>* sources) {
  Starting starting(program, signatures, *sources);
  starting.run();
  *sources = std::move(starting.out_sources);
  return std::move(starting.out);
}

}  // namespace moai::compiler
