#include "moai/compiler/lower/lower_in_time.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "moai/compiler/lower/emitter.h"
#include "moai/compiler/lower/time_atoms.h"
#include "moai/compiler/sharding/skipped_region.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler {
namespace {

using graph::StorageId;
using AtomId = uint32_t;

// The storages of an atom's calls.
struct Touched {
  std::vector<StorageId> read{}, written{};
  std::vector<StorageId> fresh{};  // of them, made as results
};

Touched touched(const TimeAtom& atom) {
  std::set<StorageId> read, written, fresh;
  for (const LocalCall& c : atom.calls) {
    size_t at = 0;
    for (const ops::Arg* a : ops::tensor_operands(c.signature)) {
      (a->written ? written : read).insert(c.storages[at++]);
    }
    for (; at < c.storages.size(); ++at) {
      written.insert(c.storages[at]);
      fresh.insert(c.storages[at]);
    }
  }
  for (std::set<StorageId>* s : {&read, &written, &fresh}) s->erase(0);
  return {
      {read.begin(), read.end()}, {written.begin(), written.end()}, {fresh.begin(), fresh.end()}};
}

// For each atom those that must have run: what it reads is made, what it overwrites was read.
std::vector<std::vector<AtomId>> dependencies(const std::vector<Touched>& touched) {
  struct Use {
    AtomId writer = kNone;
    std::vector<AtomId> readers{};
  };
  std::unordered_map<StorageId, Use> uses;
  std::vector<std::vector<AtomId>> needs(touched.size());
  for (AtomId a = 0; a < touched.size(); ++a) {
    for (const StorageId id : touched[a].read) {
      Use& use = uses[id];
      if (use.writer != kNone) needs[a].push_back(use.writer);
      use.readers.push_back(a);
    }
    for (const StorageId id : touched[a].written) {
      Use& use = uses[id];
      if (use.writer != kNone) needs[a].push_back(use.writer);
      for (const AtomId r : use.readers) {
        if (r != a) needs[a].push_back(r);
      }
      use = {.writer = a, .readers = {}};
    }
    std::ranges::sort(needs[a]);
    const auto twice = std::ranges::unique(needs[a]);
    needs[a].erase(twice.begin(), twice.end());
  }
  return needs;
}

// By step of the program, the region that may be skipped, with the calls at its borders; kNone
// around them.
std::vector<uint32_t> regions_by_step(const Lowering& in) {
  std::vector<uint32_t> regions(in.program->steps.size(), kNone);
  uint32_t last = 0;
  bool inside = false;
  for (size_t i = 0; i < regions.size(); ++i) {
    const auto* c = std::get_if<CallStep>(&in.program->steps[i]);
    const bool borders = c && borders_region(*in.graph, c->node);
    if (borders && !inside) ++last;
    if (borders || inside) regions[i] = last;
    if (borders) inside = !inside;
  }
  return regions;
}

// Atoms of a region that may be skipped, one behind the other as the program has them.
class UnbrokenRegions {
 public:
  UnbrokenRegions(const Lowering& in, const std::vector<TimeAtom>& atoms) {
    const std::vector<uint32_t> by_step = regions_by_step(in);
    for (const TimeAtom& a : atoms) {
      of_.push_back(a.step < by_step.size() ? by_step[a.step] : kNone);
      if (of_.back() != kNone) members_[of_.back()].push_back(static_cast<AtomId>(of_.size() - 1));
    }
  }

  bool has(AtomId a) const { return of_[a] != kNone; }
  // Who wants a part of a region wants all of it.
  AtomId end_of(AtomId a) const { return has(a) ? members_.at(of_[a]).back() : a; }
  // What any of a region needs comes before its first, and nothing in between.
  void bind(std::vector<std::vector<AtomId>>* needs) const {
    if (members_.empty()) return;
    for (const auto& [region, members] : members_) {
      std::set<AtomId> around;
      for (const AtomId a : members) {
        for (const AtomId n : (*needs)[a]) {
          if (of_[n] != region) around.insert(end_of(n));
        }
      }
      for (size_t i = 1; i < members.size(); ++i) (*needs)[members[i]] = {members[i - 1]};
      (*needs)[members[0]] = {around.begin(), around.end()};
    }
    for (AtomId a = 0; a < needs->size(); ++a) {
      if (has(a)) continue;
      for (AtomId& n : (*needs)[a]) n = end_of(n);
      std::ranges::sort((*needs)[a]);
      const auto twice = std::ranges::unique((*needs)[a]);
      (*needs)[a].erase(twice.begin(), twice.end());
    }
  }

 private:
  std::vector<uint32_t> of_;                         // by atom
  std::map<uint32_t, std::vector<AtomId>> members_;  // by region
};

// In which order atoms run.
class Order {
 public:
  Order(const Lowering& in, const TimeAtoms& atoms, const std::vector<Touched>& touched,
        const TimeTasks& tasks)
      : atoms_(atoms.atoms),
        tasks_(tasks),
        regions_(in, atoms_),
        needs_(dependencies(touched)),
        task_of_(atoms_.size(), kNone),
        done_(atoms_.size()) {
    regions_.bind(&needs_);
    std::map<std::tuple<int, bool, int>, uint32_t> numbers;
    for (uint32_t t = 0; t < tasks.order.size(); ++t) {
      const TimeTasks::Task& task = tasks.order[t];
      numbers[{task.of.stage, task.of.backward, task.microbatch}] = t;
    }
    members_.resize(tasks.order.size());
    for (AtomId a = 0; a < atoms_.size(); ++a) {
      const TimeAtom& atom = atoms_[a];
      if (atom.node == kNone || atom.microbatch == TimeAtom::kOnce || regions_.has(a)) continue;
      const NodeTask& of = tasks.nodes[atom.node];
      const auto found = numbers.find({of.stage, of.backward, atom.microbatch});
      if (found == numbers.end()) continue;
      task_of_[a] = found->second;
      members_[found->second].push_back(a);
    }
    // What moves a result follows what makes it.
    follow_.resize(atoms_.size());
    for (AtomId a = 0; a < atoms_.size(); ++a) {
      if (!atoms_[a].eager || regions_.has(a)) continue;
      for (auto n = needs_[a].rbegin(); n != needs_[a].rend(); ++n) {
        if (task_of_[*n] != task_of_[a] || atoms_[*n].eager || regions_.has(*n)) continue;
        follow_[*n].push_back(a);
        break;
      }
    }
  }

  std::vector<AtomId> run() {
    for (now_ = 0; now_ < members_.size(); ++now_) {
      for (const AtomId a : members_[now_]) {
        if (!atoms_[a].eager) run(a);
      }
      for (const AtomId a : members_[now_]) run(a);
    }
    for (AtomId a = 0; a < atoms_.size(); ++a) run(regions_.end_of(a));
    return std::move(order_);
  }
  // Nodes that needed atoms of later tasks, through a move over all micro-batches.
  const std::set<InTime::Awaited>& awaited() const { return awaited_; }

 private:
  // With what it needs, however deep.
  void run(AtomId first) {
    std::vector<std::pair<AtomId, size_t>> open{{first, 0}};
    while (!open.empty()) {
      auto& [a, next] = open.back();
      if (done_[a]) {
        open.pop_back();
        continue;
      }
      if (next < needs_[a].size()) {
        const AtomId needed = needs_[a][next++];
        const TimeAtom& n = atoms_[needed];
        const bool early = task_of_[needed] != kNone && task_of_[needed] > now_;
        if (early && n.reader != kNone && !is_move_of(a, n)) awaited_.insert({n.reader, n.moved});
        if (!done_[needed]) open.emplace_back(needed, 0);
        continue;
      }
      const AtomId ready = a;
      open.pop_back();
      finish(ready);
    }
  }
  // Whether the atom is of the same move.
  bool is_move_of(AtomId a, const TimeAtom& move) const {
    return atoms_[a].reader == move.reader && atoms_[a].moved == move.moved;
  }
  void finish(AtomId a) {
    done_[a] = true;
    order_.push_back(a);
    for (const AtomId f : follow_[a]) {
      const bool ready =
          std::ranges::all_of(needs_[f], [&](AtomId needed) { return done_[needed]; });
      if (ready && !done_[f]) finish(f);
    }
  }

  const std::vector<TimeAtom>& atoms_;
  const TimeTasks& tasks_;
  const UnbrokenRegions regions_;
  std::vector<std::vector<AtomId>> needs_;
  std::vector<uint32_t> task_of_;             // by atom
  std::vector<std::vector<AtomId>> members_;  // by task
  std::vector<std::vector<AtomId>> follow_;   // by atom
  std::vector<bool> done_;
  std::vector<AtomId> order_;
  uint32_t now_ = 0;  // the task; past the last, none
  std::set<InTime::Awaited> awaited_;
};

class LowerInTime {
 public:
  LowerInTime(const Lowering& in, const TimeTasks& tasks, StorageId first_temporary,
              graph::SignatureTable* signatures)
      : in_(in), tasks_(tasks), atoms_(time_atoms(in, turns(), first_temporary)), out_(signatures) {
    for (const TimeAtom& a : atoms_.atoms) touched_.push_back(touched(a));
  }

  InTime run() {
    Order order(in_, atoms_, touched_, tasks_);
    const std::vector<AtomId> atoms = order.run();
    const std::vector<std::vector<StorageId>> released = releases(atoms);
    begin_once();
    grow();
    find_made();
    for (size_t i = 0; i < atoms.size(); ++i) {
      emit(atoms[i]);
      for (const StorageId id : released[i]) out_.free(id);
    }
    Emitter::Emitted emitted = out_.take();
    InTime result{.window = std::move(emitted.window),
                  .awaited = {order.awaited().begin(), order.awaited().end()},
                  .next_temporary = atoms_.next_temporary};
    for (const uint32_t tag : emitted.sources) result.origins.push_back(tags_[tag]);
    return result;
  }

 private:
  std::vector<std::vector<int>> turns() const {
    std::map<std::pair<int, bool>, std::vector<int>> by_task;
    for (const TimeTasks::Task& t : tasks_.order) {
      by_task[{t.of.stage, t.of.backward}].push_back(t.microbatch);
    }
    std::vector<std::vector<int>> turns;
    for (const NodeTask& n : tasks_.nodes) turns.push_back(by_task[{n.stage, n.backward}]);
    return turns;
  }

  // After which atom, by its place in the order, storages leave.
  std::vector<std::vector<StorageId>> releases(const std::vector<AtomId>& atoms) {
    std::unordered_map<StorageId, size_t> last;
    for (size_t i = 0; i < atoms.size(); ++i) {
      for (const StorageId id : touched_[atoms[i]].read) last[id] = i;
      for (const StorageId id : touched_[atoms[i]].written) last[id] = i;
    }
    std::set<StorageId> kept, released;
    for (const graph::Node& n : in_.window->nodes) {
      for (const StorageId id : in_.window->storages_of(n)) kept.insert(id);
      if (n.kind == graph::NodeKind::kFree) released.insert(in_.window->storages_of(n)[0]);
    }
    std::vector<std::vector<StorageId>> after(atoms.size());
    for (const auto& [id, at] : last) {
      if (!kept.contains(id) || released.contains(id)) after[at].push_back(id);
    }
    for (std::vector<StorageId>& ids : after) std::ranges::sort(ids);
    for (const StorageId id : released) {
      if (!last.contains(id)) unused_.push_back(id);
    }
    used_ = std::move(last);
    return after;
  }

  void begin(const TimeAtom& a) {
    const InTime::Origin origin{a.node, a.microbatch};
    const bool same = !tags_.empty() && tags_.back().node == origin.node &&
                      tags_.back().microbatch == origin.microbatch;
    const uint32_t source = a.is_part ? in_.graph->nodes[a.node].source : kNone;
    const bool joins = a.is_part && part_of_ == source && !tags_.empty() &&
                       tags_.back().microbatch == origin.microbatch;
    if (!same && !joins) tags_.push_back(origin);
    part_of_ = source;
    out_.begin(static_cast<uint32_t>(tags_.size() - 1));
  }
  void begin_once() {
    tags_.push_back({});
    out_.begin(0);
  }

  // What is older grows first; what the window makes itself is large enough at once.
  void grow() {
    std::set<StorageId> made;
    for (const graph::Node& n : in_.window->nodes) {
      const auto ids = in_.window->storages_of(n);
      if (n.kind == graph::NodeKind::kAlloc) {
        made.insert(ids[0]);
        allocated_[ids[0]] = in_.window->words_of(n)[0];
      }
      if (n.kind != graph::NodeKind::kResize) continue;
      const uint64_t bytes = in_.window->words_of(n)[0];
      if (!made.contains(ids[0])) {
        out_.resize(ids[0], bytes);
      } else {
        allocated_[ids[0]] = std::max(allocated_[ids[0]], bytes);
      }
    }
    for (const auto& [id, bytes] : allocated_) {
      if (!used_.contains(id) && std::ranges::find(unused_, id) == unused_.end()) {
        out_.alloc(id, bytes);
      }
    }
    for (const StorageId id : unused_) {
      if (is_older(id)) out_.free(id);
    }
  }
  // Whether the storage was there before the window.
  bool is_older(StorageId id) {
    if (older_.empty()) {
      std::set<StorageId> made;
      for (const auto& [allocated, bytes] : allocated_) made.insert(allocated);
      for (const ValueNode& n : in_.graph->nodes) {
        for (const Use& u : n.results) {
          if (u.made == kNone) continue;
          made.insert(in_.graph->segments[in_.graph->values[u.made].segment].storage);
        }
      }
      older_.insert(0);
      for (const graph::Node& n : in_.window->nodes) {
        for (const StorageId s : in_.window->storages_of(n)) {
          if (!made.contains(s)) older_.insert(s);
        }
      }
    }
    return older_.contains(id);
  }

  // Storages that a call makes as its result.
  void find_made() {
    for (const Touched& t : touched_) results_.insert(t.fresh.begin(), t.fresh.end());
  }
  void provide(const Touched& t) {
    for (const std::vector<StorageId>* ids : {&t.read, &t.written}) {
      for (const StorageId id : *ids) {
        if (results_.contains(id) || is_older(id) || !provided_.insert(id).second) continue;
        finish_parts();
        out_.alloc(id, atoms_.bytes.at(id));
      }
    }
  }

  void emit(AtomId a) {
    const TimeAtom& atom = atoms_.atoms[a];
    const Touched& t = touched_[a];
    begin(atom);
    provide(t);
    const graph::LineId line = atom.node == kNone ? 0 : in_.graph->nodes[atom.node].line;
    if (atom.is_part && atom.calls.size() == 1) {
      const auto waits = [&](const std::set<StorageId>& for_) {
        return [&](StorageId id) { return for_.contains(id); };
      };
      if (std::ranges::any_of(t.read, waits(written_)) ||
          std::ranges::any_of(t.written, waits(written_)) ||
          std::ranges::any_of(t.written, waits(read_))) {
        finish_parts();
      }
      read_.insert(t.read.begin(), t.read.end());
      written_.insert(t.written.begin(), t.written.end());
      return out_.part(atom.calls[0], line);
    }
    finish_parts();
    for (const LocalCall& c : atom.calls) out_.call(c, line);
  }
  void finish_parts() {
    read_.clear();
    written_.clear();
    out_.finish_parts();
  }

  const Lowering& in_;
  const TimeTasks& tasks_;
  TimeAtoms atoms_;
  std::vector<Touched> touched_;
  Emitter out_;
  std::vector<InTime::Origin> tags_;  // the emitter's sources
  uint32_t part_of_ = kNone;          // the source of a list's items
  std::unordered_map<StorageId, size_t> used_;
  std::vector<StorageId> unused_;  // released, and used by no call
  std::map<StorageId, uint64_t> allocated_;
  std::set<StorageId> older_, results_, provided_;
  std::set<StorageId> read_, written_;  // by parts that wait
};

}  // namespace

InTime lower_in_time(const Lowering& in, const TimeTasks& tasks, StorageId first_temporary,
                     graph::SignatureTable* signatures) {
  return LowerInTime(in, tasks, first_temporary, signatures).run();
}

}  // namespace moai::compiler
