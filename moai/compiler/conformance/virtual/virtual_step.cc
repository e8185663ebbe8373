#include "moai/compiler/conformance/virtual/virtual_step.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <unordered_map>

#include "moai/compiler/conformance/virtual/transfers.h"
#include "moai/ops/call_tensors.h"
#include "moai/ops/started_call.h"

namespace moai::compiler {
namespace {

using graph::StorageId;

// A collective that a rank has come to, or will when those before it have ended.
struct Exchange {
  size_t node = 0;
  cost::CollectiveCall call{};
  double wanted_s = 0;  // since when
  bool starts = false;  // the rank goes on meanwhile
};

struct Rank {
  std::unordered_map<StorageId, device::BufferPtr> storages{};
  size_t at = 0;  // node
  double now_s = 0;
  std::deque<Exchange> exchanges{};  // of which the first goes on
  double free_s = 0;                 // when the last one ended
  // By the last storage that each makes: those that nobody has waited for, and when they ended.
  std::map<StorageId, std::optional<double>> started{};
  double waited_s = 0, exchanged_s = 0;
  std::map<std::string_view, double> class_s{};
};

// A collective that ranks come to, in the order in which each makes them.
struct Meeting {
  cost::CollectiveCall call{};
  std::vector<int> ranks{};
  size_t missing = 0;
  double ready_s = 0;
};

}  // namespace

class VirtualStep {
 public:
  VirtualStep(VirtualMachine* machine, const EmittedStep& step)
      : machine_(*machine), step_(step), ranks_(step.ranks.size()), links_(machine->cluster_) {}

  Result<VirtualRun> run() {
    for (size_t r = 0; r < ranks_.size(); ++r) MOAI_RETURN_IF_ERROR(go_on(static_cast<int>(r)));
    for (;;) {
      const double ready = waiting_.empty() ? INFINITY : waiting_.begin()->first;
      const double next = ready <= links_.now_s() ? INFINITY : links_.next_s();
      if (std::isinf(ready) && std::isinf(next)) break;
      if (next <= ready) {
        for (const size_t number : links_.pass(next)) MOAI_RETURN_IF_ERROR(end(number));
        continue;
      }
      // What has almost ended by then ends.
      const auto ended = ready > links_.now_s() ? links_.pass(ready) : std::vector<size_t>();
      for (const size_t number : ended) MOAI_RETURN_IF_ERROR(end(number));
      if (!ended.empty()) continue;
      Meeting m = std::move(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
      const auto bytes = static_cast<double>(m.call.bytes);
      const size_t number = links_.begin(m.call.kind, bytes, m.ranks);
      going_.emplace(number, std::move(m));
    }
    return result();
  }

 private:
  // Runs the rank up to where it must wait.
  Status go_on(int rank) {
    Rank& r = ranks_[static_cast<size_t>(rank)];
    const graph::Window& w = step_.ranks[static_cast<size_t>(rank)];
    for (; r.at < w.nodes.size(); ++r.at) {
      const graph::Node& n = w.nodes[r.at];
      if (n.kind != graph::NodeKind::kCall) {
        MOAI_RETURN_IF_ERROR(memory_node(w, n, &r));
        continue;
      }
      MOAI_ASSIGN_OR_RETURN(const VirtualMachine::Prepared* p, machine_.prepared(n.signature));
      if (p->collective) {
        r.exchanges.push_back({r.at, *p->collective, r.now_s, p->starts});
        if (p->starts) {
          MOAI_RETURN_IF_ERROR(make_results(rank, r.at));
          r.started[w.storages_of(n).back()] = std::nullopt;
        }
        if (r.exchanges.size() == 1) MOAI_RETURN_IF_ERROR(come(rank));
        if (!p->starts) return ok_status();
      } else if (p->waits && !passes_wait(w.storages_of(n).back(), &r)) {
        return ok_status();
      }
      if (p->call) MOAI_RETURN_IF_ERROR(call(w, n, *p, &r));
    }
    return ok_status();
  }

  Status memory_node(const graph::Window& w, const graph::Node& n, Rank* r) {
    const StorageId id = w.storages_of(n)[0];
    if (n.kind == graph::NodeKind::kFree) {
      r->storages.erase(id);
      return ok_status();
    }
    return hold(id, w.words_of(n)[0], r);
  }
  // What is older than the step is there as large as the calls want it.
  Status hold(StorageId id, uint64_t bytes, Rank* r) {
    device::BufferPtr& buffer = r->storages[id];
    if (buffer) return machine_.device_->resize(buffer.get(), bytes);
    MOAI_ASSIGN_OR_RETURN(buffer, machine_.device_->allocate(bytes));
    return ok_status();
  }

  Status call(const graph::Window& w, const graph::Node& n, const VirtualMachine::Prepared& p,
              Rank* r) {
    const auto ids = w.storages_of(n);
    operands_.clear();
    for (size_t i = 0; i < p.operand_bytes.size(); ++i) {
      if (ids[i] == 0) {
        operands_.push_back(nullptr);
        continue;
      }
      MOAI_RETURN_IF_ERROR(hold(ids[i], p.operand_bytes[i], r));
      operands_.push_back(r->storages.at(ids[i]).get());
    }
    fresh_.clear();
    fresh_.resize(p.fresh_bytes.size());
    const double before = machine_.device_->now_s();
    MOAI_RETURN_IF_ERROR(p.call->run(operands_, w.words_of(n), fresh_));
    const int rank = static_cast<int>(r - ranks_.data());
    const double passed = (machine_.device_->now_s() - before) / machine_.cluster_.speed(rank);
    r->now_s += passed;
    r->class_s[p.of_class] += passed;
    for (size_t i = 0; i < fresh_.size(); ++i) {
      const StorageId id = ids[operands_.size() + i];
      if (id != 0) r->storages[id] = std::move(fresh_[i]);
    }
    return ok_status();
  }

  // Whether what makes the storage has ended.
  static bool passes_wait(StorageId made, Rank* r) {
    const auto found = r->started.find(made);
    if (found == r->started.end() || !found->second) return false;
    r->exchanged_s += std::max(0.0, *found->second - r->now_s);
    r->now_s = std::max(r->now_s, *found->second);
    r->started.erase(found);
    return true;
  }

  // To the first of its exchanges. Of each group all ranks make the same in the same order.
  Status come(int rank) {
    const Rank& r = ranks_[static_cast<size_t>(rank)];
    const cost::CollectiveCall& c = r.exchanges.front().call;
    std::vector<int> group = step_.mesh.group(rank, c.axis);
    const std::pair key{c.axis, group[0]};
    auto [found, fresh] = open_.try_emplace(key);
    Meeting& m = found->second;
    if (fresh) m = {.call = c, .ranks = group, .missing = group.size()};
    if (m.call.kind != c.kind) return internal_error("ranks of a group make different calls");
    // Uneven shares: as long as the largest takes.
    m.call.bytes = std::max(m.call.bytes, c.bytes);
    m.ready_s = std::max({m.ready_s, r.exchanges.front().wanted_s, r.free_s});
    if (--m.missing > 0) return ok_status();
    const double ready = m.ready_s;
    waiting_.emplace(ready, std::move(m));
    open_.erase(found);
    return ok_status();
  }

  Status end(size_t number) {
    const auto found = going_.find(number);
    const Meeting m = std::move(found->second);
    going_.erase(found);
    for (const int rank : m.ranks) {
      Rank& r = ranks_[static_cast<size_t>(rank)];
      const Exchange done = r.exchanges.front();
      r.exchanges.pop_front();
      r.free_s = links_.now_s();
      if (!r.exchanges.empty()) MOAI_RETURN_IF_ERROR(come(rank));
      MOAI_RETURN_IF_ERROR(done.starts ? end_started(rank, done) : end_whole(rank, done, m));
    }
    return ok_status();
  }
  Status end_whole(int rank, const Exchange& done, const Meeting& m) {
    Rank& r = ranks_[static_cast<size_t>(rank)];
    r.waited_s += m.ready_s - r.now_s;
    r.exchanged_s += links_.now_s() - m.ready_s;
    r.now_s = links_.now_s();
    MOAI_RETURN_IF_ERROR(make_results(rank, done.node));
    ++r.at;
    return go_on(rank);
  }
  Status end_started(int rank, const Exchange& done) {
    Rank& r = ranks_[static_cast<size_t>(rank)];
    const graph::Window& w = step_.ranks[static_cast<size_t>(rank)];
    const StorageId made = w.storages_of(w.nodes[done.node]).back();
    r.started.at(made) = links_.now_s();
    if (r.at == w.nodes.size() || w.nodes[r.at].kind != graph::NodeKind::kCall) return ok_status();
    MOAI_ASSIGN_OR_RETURN(const VirtualMachine::Prepared* p,
                          machine_.prepared(w.nodes[r.at].signature));
    const bool awaited = p->waits && w.storages_of(w.nodes[r.at]).back() == made;
    return awaited ? go_on(rank) : ok_status();
  }

  Status make_results(int rank, size_t node) {
    Rank& r = ranks_[static_cast<size_t>(rank)];
    const graph::Window& w = step_.ranks[static_cast<size_t>(rank)];
    const graph::Node& n = w.nodes[node];
    MOAI_ASSIGN_OR_RETURN(const VirtualMachine::Prepared* p, machine_.prepared(n.signature));
    const auto ids = w.storages_of(n);
    for (size_t i = 0; i < p->fresh_bytes.size(); ++i) {
      const StorageId id = ids[p->operand_bytes.size() + i];
      if (id != 0) MOAI_RETURN_IF_ERROR(hold(id, p->fresh_bytes[i], &r));
    }
    return ok_status();
  }

  Result<VirtualRun> result() const {
    const Rank* last = &ranks_[0];
    for (size_t r = 0; r < ranks_.size(); ++r) {
      if (ranks_[r].at < step_.ranks[r].nodes.size()) {
        return internal_error("rank " + std::to_string(r) + " waits for ranks that never come");
      }
      if (ranks_[r].now_s > last->now_s) last = &ranks_[r];
    }
    return VirtualRun{.step_s = last->now_s,
                      .waited_s = last->waited_s,
                      .exchanged_s = last->exchanged_s,
                      .class_s = last->class_s};
  }

  VirtualMachine& machine_;
  const EmittedStep& step_;
  std::vector<Rank> ranks_;
  Transfers links_;
  std::map<std::pair<uint32_t, int>, Meeting> open_;  // by axis and first rank of the group
  std::multimap<double, Meeting> waiting_;            // by when all had come
  std::map<size_t, Meeting> going_;                   // by number of the transfer
  std::vector<device::Buffer*> operands_;
  std::vector<device::BufferPtr> fresh_;
};

VirtualMachine::VirtualMachine(const device::TimeTable* table, const cluster::Cluster* cluster,
                               const graph::SignatureTable* signatures)
    : cluster_(*cluster), signatures_(*signatures), device_(device::make_timed_device(table)) {}

Result<const VirtualMachine::Prepared*> VirtualMachine::prepared(graph::SignatureId id) {
  if (prepared_.size() <= id) prepared_.resize(signatures_.size());
  if (prepared_[id]) return prepared_[id].get();
  const ops::CallSignature s = signatures_.at(id).signature();
  auto p = std::make_unique<Prepared>();
  p->collective = cost::collective_call(s);
  p->starts = ops::is_start(s);
  p->waits = ops::is_wait(s);
  p->of_class = device::operator_class(s.op);
  p->arity = ops::arity(s);
  const auto bytes = [](const tensor::Geometry& g) {
    return static_cast<uint64_t>(std::max<int64_t>(tensor::storage_bytes(g), 0));
  };
  for (const ops::Arg* a : ops::tensor_operands(s)) p->operand_bytes.push_back(bytes(a->geometry));
  for (const ops::Result* r : ops::fresh_results(s)) p->fresh_bytes.push_back(bytes(r->geometry));
  if (!p->collective && !s.op.starts_with("moai::")) {
    MOAI_ASSIGN_OR_RETURN(p->call, device_->prepare(s));
  }
  prepared_[id] = std::move(p);
  return prepared_[id].get();
}

Result<VirtualRun> VirtualMachine::run(const EmittedStep& step) {
  return VirtualStep(this, step).run();
}

}  // namespace moai::compiler
