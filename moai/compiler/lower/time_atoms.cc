#include "moai/compiler/lower/time_atoms.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "moai/compiler/sharding/strategies.h"
#include "moai/ops/call_build.h"
#include "moai/ops/call_tensors.h"
#include "moai/ops/list_call.h"

namespace moai::compiler {
namespace {

using graph::StorageId;
using tensor::Geometry;

constexpr uint32_t kAxis = 0;

// acc = reduction(acc, part), in place.
LocalCall accumulate(tensor::Reduction reduction, const Geometry& acc, StorageId acc_id,
                     const Geometry& part, StorageId part_id) {
  using tensor::Reduction;
  LocalCall c = made_up_call("", {ops::of_tensor(acc, true), ops::of_tensor(part)},
                             {{.kind = ops::ResultKind::kIgnored}}, {acc_id, part_id});
  ops::CallSignature& s = c.signature;
  switch (reduction) {
    case Reduction::kSum:
      s.op = "aten::add_";
      s.overload = "Tensor";
      s.args.push_back(ops::of_int(1));
      break;
    case Reduction::kProduct:
      s.op = "aten::mul_";
      s.overload = "Tensor";
      break;
    case Reduction::kAll:
      s.op = "aten::logical_and_";
      break;
    case Reduction::kAny:
      s.op = "aten::logical_or_";
      break;
    case Reduction::kNorm2:
      s.op = "aten::hypot_";
      break;
    case Reduction::kMax:
    case Reduction::kMin:
      s.op = reduction == Reduction::kMax ? "aten::maximum" : "aten::minimum";
      s.overload = "out";
      s.args = {ops::of_tensor(acc), ops::of_tensor(part), ops::of_tensor(acc, true)};
      c.storages = {acc_id, part_id, acc_id};
      break;
  }
  return c;
}

class Atoms {
 public:
  Atoms(const Lowering& in, const std::vector<std::vector<int>>& turns, StorageId first_temporary)
      : in_(in),
        graph_(*in.graph),
        program_(*in.program),
        turns_(turns),
        buffers_(in, first_temporary),
        made_at_(program_.registers.size(), kNone) {
    out_.next_temporary = buffers_.next_temporary();
    for (int k = 0; k < microbatches(); ++k) calls_.emplace_back(in, k);
    all_.resize(static_cast<size_t>(microbatches()));
    std::iota(all_.begin(), all_.end(), 0);
    find_storages();
  }

  TimeAtoms run() {
    for (step_ = 0; step_ < program_.steps.size(); ++step_) {
      if (const auto* c = std::get_if<CallStep>(&program_.steps[step_])) {
        call(*c);
        for (const RegisterId r : c->made) {
          if (r != kNone) made_at_[r] = c->node;
        }
      } else {
        const MoveStep& m = std::get<MoveStep>(program_.steps[step_]);
        made_at_[m.to] = made_at_[m.from];
        move(m);
      }
    }
    for (const RegisterId r : program_.outputs) settle(r);
    return std::move(out_);
  }

 private:
  int microbatches() const { return program_.mesh.axes[kAxis].size; }
  const AxisPlacement& placement(RegisterId r) const {
    return program_.registers[r].placement[kAxis];
  }
  const LocalCalls& of(int k) const { return calls_[k == TimeAtom::kOnce ? 0 : size_t(k)]; }
  const Segment& segment(RegisterId r) const { return graph_.segments[calls_[0].segment(r)]; }

  void find_storages() {
    std::set<StorageId> made;
    for (const graph::Node& n : in_.window->nodes) {
      if (n.kind == graph::NodeKind::kAlloc) made.insert(in_.window->storages_of(n)[0]);
    }
    for (const ValueNode& n : graph_.nodes) {
      for (const Use& u : n.results) {
        if (u.made != kNone) made.insert(graph_.segments[graph_.values[u.made].segment].storage);
      }
    }
    for (const Segment& s : graph_.segments) {
      if (!made.contains(s.storage)) existing_.insert(s.storage);
    }
    std::vector<NodeId> maker(program_.registers.size(), kNone);
    for (const Step& step : program_.steps) {
      if (const auto* c = std::get_if<CallStep>(&step)) {
        const bool split = c->work[kAxis].kind != AxisWork::Kind::kReplicated;
        const size_t fresh = graph_.nodes[c->node].results.size();
        for (size_t i = 0; i < c->made.size(); ++i) {
          const RegisterId r = c->made[i];
          if (r == kNone) continue;
          maker[r] = c->node;
          if (split && i < fresh && placement(r).replicated()) each_ones_[r] = turns(c->node)[0];
        }
        continue;
      }
      const MoveStep& m = std::get<MoveStep>(step);
      maker[m.to] = maker[m.from];
      if (m.kind == MoveKind::kAllReduce)
        base_[buffers_.of(m.from).storage] = turns(maker[m.from])[0];
    }
  }
  // The micro-batches in the order in which the node is run for them.
  const std::vector<int>& turns(NodeId n) const {
    return n == kNone || turns_.empty() || turns_[n].empty() ? all_ : turns_[n];
  }

  // ---- storages

  StorageId storage(RegisterId r, int k) {
    const StorageId id = buffers_.of(r).storage;
    if (placement(r).replicated() && !is_each_ones(r, k)) return id;
    const auto base = base_.find(id);
    if (base != base_.end() && base->second == k && !placement(r).split()) return id;
    const auto [found, is_new] = parts_.try_emplace({id, k}, out_.next_temporary);
    if (is_new) ++out_.next_temporary;
    return found->second;
  }
  // What calls for one micro-batch make whole, alike or not: the numbers that attention draws from.
  // That of the first one is what all have.
  bool is_each_ones(RegisterId r, int k) const {
    const auto first = each_ones_.find(r);
    return first != each_ones_.end() && k != TimeAtom::kOnce && k != first->second;
  }
  LocalPlace place(RegisterId r, int k) {
    const StorageId id = storage(r, k);
    const RankBuffer& b = buffers_.of(r);
    if (placement(r).split() && is_given(r)) copy_input(r, k);
    const uint64_t allocated = buffers_.allocated_bytes(b.storage);
    const uint64_t part =
        static_cast<uint64_t>(b.begin) * tensor::dtype_size(of(k).dtype(r)) + of(k).part_bytes(r);
    uint64_t& bytes = out_.bytes[id];
    bytes = std::max(bytes, !placement(r).split() && allocated != 0 ? allocated : part);
    return {id, b.begin};
  }
  // Whether it is what was there when the window began.
  bool is_given(RegisterId r) const {
    return graph_.values[program_.registers[r].value].producer == kNone &&
           existing_.contains(segment(r).storage);
  }

  // The part of a dimension of a whole segment that one micro-batch has.
  Geometry part_of_whole(RegisterId split, int k, int64_t begin) const {
    const LocalLayout whole(graph_, *in_.factors, program_.mesh, calls_[0].segment(split),
                            Placement(1), 0);
    const LocalLayout::Around a = whole.around(placement(split).place);
    Geometry g = dense_geometry(of(k).dtype(split), {a.outer, a.here, a.inner}, begin);
    g.sizes[1] = share_size(a.here, microbatches(), k);
    g.offset += share_begin(a.here, microbatches(), k) * a.inner;
    return g;
  }
  Geometry part(RegisterId split, int k, int64_t begin) const {
    return of(k).around(split, placement(split).place, begin);
  }

  // ---- atoms

  TimeAtom& add(int k, NodeId node, bool eager = false) {
    return out_.atoms.emplace_back(
        TimeAtom{.step = step_, .node = node, .microbatch = k, .eager = eager});
  }
  void clone(int k, NodeId node, const Geometry& from, StorageId from_id, StorageId to,
             bool eager = false) {
    add(k, node, eager)
        .calls.push_back(
            made_up_call("aten::clone", {ops::of_tensor(from), {.kind = ops::ArgKind::kNone}},
                         {ops::of_fresh(dense_geometry(from.dtype, from.sizes))}, {from_id, to}));
  }
  void copy(int k, NodeId node, const Geometry& to, StorageId to_id, const Geometry& from,
            StorageId from_id) {
    TimeAtom& atom = add(k, node, true);
    atom.calls.push_back(made_up_call(
        "aten::copy_", {ops::of_tensor(to, true), ops::of_tensor(from), ops::of_bool(false)},
        {{.kind = ops::ResultKind::kIgnored}}, {to_id, from_id}));
  }

  void copy_input(RegisterId r, int k) {
    if (!copied_.insert({r, k}).second) return;
    clone(k, kNone, part_of_whole(r, k, segment(r).begin), segment(r).storage, storage(r, k));
  }

  void call(const CallStep& step) {
    if (step.work[kAxis].kind == AxisWork::Kind::kReplicated) return call(step, TimeAtom::kOnce);
    for (const int k : turns(step.node)) call(step, k);
  }
  void call(const CallStep& step, int k) {
    const ValueNode& n = graph_.nodes[step.node];
    LocalCall local = of(k).call(step, [&](RegisterId r) { return place(r, k); });
    TimeAtom& atom = add(k, step.node);
    atom.is_part = ops::is_list_call(n.signature);
    const auto table = of(k).table_part(step);
    if (!table) return atom.calls.push_back(std::move(local));
    const auto emit = [&](const LocalCall& c) { atom.calls.push_back(c); };
    of(k).along_table(step, *table, std::move(local), emit,
                      [this] { return out_.next_temporary++; });
  }

  void move(const MoveStep& m) {
    switch (m.kind) {
      case MoveKind::kSlice:
        for (int k = 0; k < microbatches(); ++k) slice(m, k);
        return;
      case MoveKind::kMask:
        for (int k = 0; k < microbatches(); ++k) {
          LocalCall c = of(k).mask(m, place(m.from, k), storage(m.to, k));
          add(k, made_at_[m.from]).calls.push_back(std::move(c));
        }
        return;
      case MoveKind::kAllGather:
        return gather(m, place(m.to, TimeAtom::kOnce).storage);
      case MoveKind::kAllReduce:
        return sum(m, buffers_.of(m.from).storage, base_.at(buffers_.of(m.from).storage));
      case MoveKind::kReduceScatter:
      case MoveKind::kAllToAll:
        return through_whole(m);
      case MoveKind::kTransfer:
      case MoveKind::kBroadcast:
      case MoveKind::kKeep:
      case MoveKind::kSend:
      case MoveKind::kReceive:
        return;  // time has no stages
    }
  }
  void slice(const MoveStep& m, int k) {
    LocalCall c = of(k).slice(m, place(m.from, k), storage(m.to, k));
    add(k, kNone).calls.push_back(std::move(c));
  }

  // The last atom is part of the move.
  void note(const MoveStep& m) {
    out_.atoms.back().reader = m.reader;
    out_.atoms.back().moved = program_.registers[m.from].value;
  }

  void gather(const MoveStep& m, StorageId whole) {
    for (const int k : turns(made_at_[m.from])) {
      const LocalPlace from = place(m.from, k);
      copy(k, made_at_[m.from], part_of_whole(m.from, k, 0), whole, part(m.from, k, from.begin),
           from.storage);
      note(m);
    }
  }

  // Into the storage, where the first one's lies by then.
  void sum(const MoveStep& m, StorageId whole, int first) {
    for (const int k : turns(made_at_[m.from])) {
      if (k == first) continue;
      const LocalPlace from = place(m.from, k);
      const Geometry g = of(k).flat(m.from, from.begin);
      TimeAtom& atom = add(k, made_at_[m.from], true);
      atom.calls.push_back(accumulate(placement(m.from).reduction, g, whole, g, from.storage));
      note(m);
    }
  }

  void through_whole(const MoveStep& m) {
    const StorageId whole = out_.next_temporary++;
    if (m.kind == MoveKind::kAllToAll) {
      const auto element = tensor::dtype_size(of(0).dtype(m.from));
      out_.bytes[whole] = static_cast<uint64_t>(segment(m.from).count) * element;
      gather(m, whole);
    } else {
      const int first = turns(made_at_[m.from])[0];
      const LocalPlace from = place(m.from, first);
      const Geometry g = of(first).flat(m.from, from.begin);
      if (from.begin != 0) {
        out_.bytes[whole] = static_cast<uint64_t>(tensor::storage_bytes(g));
        copy(first, made_at_[m.from], g, whole, g, from.storage);
      } else {
        clone(first, made_at_[m.from], g, from.storage, whole, true);
      }
      sum(m, whole, first);
    }
    const int64_t begin = m.kind == MoveKind::kAllToAll ? 0 : buffers_.of(m.from).begin;
    for (int k = 0; k < microbatches(); ++k) {
      clone(k, kNone, part_of_whole(m.to, k, begin), whole, storage(m.to, k));
    }
  }

  // What the window leaves lies in its storage.
  void settle(RegisterId r) {
    const StorageId id = segment(r).storage;
    const auto element = tensor::dtype_size(of(0).dtype(r));
    const bool elsewhere = placement(r).split() || buffers_.of(r).storage != id;
    if (!elsewhere) return;
    if (!existing_.contains(id)) {
      uint64_t& bytes = out_.bytes[id];
      bytes = std::max({bytes, buffers_.allocated_bytes(id),
                        static_cast<uint64_t>(segment(r).begin + segment(r).count) * element});
    }
    if (!placement(r).split()) {
      const LocalPlace now = place(r, TimeAtom::kOnce);
      return copy(TimeAtom::kOnce, made_at_[r], of(0).flat(r, segment(r).begin), id,
                  of(0).flat(r, now.begin), now.storage);
    }
    for (const int k : turns(made_at_[r])) {
      const LocalPlace now = place(r, k);
      copy(k, made_at_[r], part_of_whole(r, k, segment(r).begin), id, part(r, k, now.begin),
           now.storage);
    }
  }

  const Lowering& in_;
  const ValueGraph& graph_;
  const SpmdProgram& program_;
  const std::vector<std::vector<int>>& turns_;
  Buffers buffers_;
  std::vector<LocalCalls> calls_;  // by micro-batch
  std::vector<int> all_;
  uint32_t step_ = 0;
  std::vector<NodeId> made_at_;    // by register
  std::map<StorageId, int> base_;  // of what is summed in place: whose part it is first
  std::map<std::pair<StorageId, int>, StorageId> parts_;
  std::map<RegisterId, int> each_ones_;  // by register, for which micro-batch it is made first
  std::set<std::pair<RegisterId, int>> copied_;
  std::set<StorageId> existing_;
  TimeAtoms out_;
};

}  // namespace

TimeAtoms time_atoms(const Lowering& in, const std::vector<std::vector<int>>& turns,
                     StorageId first_temporary) {
  return Atoms(in, turns, first_temporary).run();
}

}  // namespace moai::compiler
