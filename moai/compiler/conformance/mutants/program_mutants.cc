// Mistakes in the program of all ranks, which is then lowered as it is.
#include <algorithm>

#include "moai/compiler/conformance/mutants/mutant.h"

namespace moai::compiler {
namespace {

constexpr graph::StorageId kFirstTemporary = 1000000;

// Changes the program: `edit` says what it did. Lowering looks at nothing that it could not lower.
template <class Edit>
std::optional<Mutant> relowered(const Original& o, const Edit& edit) {
  Mutant m{.laid = {.program = o.laid->program}};
  std::optional<std::string> what = edit(&m.laid.program);
  if (!what) return std::nullopt;
  m.what = std::move(*what);
  const Lowering in = m.laid.lowering(*o.window);
  for (int rank = 0; rank < m.laid.program.mesh.ranks(); ++rank) {
    m.laid.ranks.push_back(lower_rank(in, rank, kFirstTemporary, o.signatures));
  }
  return m;
}

using Text = std::optional<std::string>;

const MoveStep* move_at(const SpmdProgram& p, size_t i) {
  return std::get_if<MoveStep>(&p.steps[i]);
}
bool is_moved_on(const SpmdProgram& p, RegisterId r) {
  return std::ranges::any_of(p.steps, [&](const Step& s) {
    const auto* m = std::get_if<MoveStep>(&s);
    return m && m->from == r;
  });
}
void read_instead(SpmdProgram* p, RegisterId from, RegisterId to, size_t begin) {
  for (size_t i = begin; i < p->steps.size(); ++i) {
    if (auto* c = std::get_if<CallStep>(&p->steps[i])) std::ranges::replace(c->operands, from, to);
  }
  std::ranges::replace(p->outputs, from, to);
}

std::optional<Mutant> dropped_move(const Original& o, Random* random) {
  return relowered(o, [&](SpmdProgram* p) -> Text {
    const auto i = any_of(p->steps.size(), random, [&](size_t k) {
      const MoveStep* m = move_at(*p, k);
      return m && !is_moved_on(*p, m->to);
    });
    if (!i) return std::nullopt;
    const MoveStep m = *move_at(*p, *i);
    p->steps.erase(p->steps.begin() + static_cast<ptrdiff_t>(*i));
    read_instead(p, m.to, m.from, *i);
    return std::string(name(m.kind)) + " at " + std::to_string(*i);
  });
}

// Once more, behind the next call: sums beside each other are made at once.
std::optional<Mutant> doubled_sum(const Original& o, Random* random) {
  return relowered(o, [&](SpmdProgram* p) -> Text {
    const auto i = any_of(p->steps.size(), random, [&](size_t k) {
      return move_at(*p, k) && move_at(*p, k)->kind == MoveKind::kAllReduce;
    });
    if (!i) return std::nullopt;
    const MoveStep m = *move_at(*p, *i);
    size_t at = *i + 1;
    while (at < p->steps.size() && move_at(*p, at)) ++at;
    if (at == p->steps.size()) return std::nullopt;
    const auto& call = std::get<CallStep>(p->steps[at++]);
    if (std::ranges::find(call.operands, m.to) != call.operands.end()) at = *i + 1;
    p->registers.push_back(p->registers[m.to]);
    const auto again = static_cast<RegisterId>(p->registers.size() - 1);
    p->steps.insert(p->steps.begin() + static_cast<ptrdiff_t>(at),
                    MoveStep{m.kind, m.axis, m.to, again, m.reader});
    read_instead(p, m.to, again, at + 1);
    for (size_t k = at + 1; k < p->steps.size(); ++k) {
      auto* other = std::get_if<MoveStep>(&p->steps[k]);
      if (other && other->from == m.to) other->from = again;
    }
    return "at " + std::to_string(at);
  });
}

// The other reduction in all registers of a value that are partial.
std::optional<Mutant> other_reduction(const Original& o, Random* random) {
  return relowered(o, [&](SpmdProgram* p) -> Text {
    const auto is_partial = [&](size_t r) {
      return std::ranges::any_of(p->registers[r].placement, &AxisPlacement::partial);
    };
    const auto r = any_of(p->registers.size(), random, is_partial);
    if (!r) return std::nullopt;
    for (AxisPlacement& a : p->registers[*r].placement) {
      if (!a.partial()) continue;
      a.reduction =
          a.reduction == ops::Reduction::kSum ? ops::Reduction::kMax : ops::Reduction::kSum;
    }
    return "register " + std::to_string(*r);
  });
}

// A register that holds shares of another factor than its rule says.
std::optional<Mutant> other_split(const Original& o, Random* random) {
  return relowered(o, [&](SpmdProgram* p) -> Text {
    const auto list_of = [&](size_t r) -> const std::vector<FactorId>& {
      return o.window->factors.of(o.window->graph.values[p->registers[r].value].segment);
    };
    const auto fits = [&](size_t r) {
      return list_of(r).size() > 1 && p->mesh.axes.size() == 1 &&
             p->registers[r].placement[0].split() &&
             std::ranges::find(p->inputs, r) == p->inputs.end();
    };
    const auto r = any_of(p->registers.size(), random, fits);
    if (!r) return std::nullopt;
    AxisPlacement& a = p->registers[*r].placement[0];
    const auto place = static_cast<uint32_t>((*random)() % list_of(*r).size());
    if (place == a.place || o.window->factors.size(list_of(*r)[place]) < p->mesh.axes[0].size) {
      return std::nullopt;
    }
    a.place = place;
    return "register " + std::to_string(*r);
  });
}

// A call that writes what it reads, and a later one that reads what it leaves.
struct Update {
  size_t write = 0, read = 0;
  RegisterId before = kNone, after = kNone;
};
std::vector<Update> updates(const SpmdProgram& p) {
  std::vector<Update> found;
  for (size_t i = 0; i < p.steps.size(); ++i) {
    const auto* write = std::get_if<CallStep>(&p.steps[i]);
    if (!write) continue;
    for (const RegisterId before : write->operands) {
      for (const RegisterId after : write->made) {
        if (before == kNone || after == kNone) continue;
        for (size_t k = i + 1; k < p.steps.size(); ++k) {
          const auto* read = std::get_if<CallStep>(&p.steps[k]);
          const bool reads =
              read && std::ranges::find(read->operands, after) != read->operands.end();
          if (reads) found.push_back({i, k, before, after});
        }
      }
    }
  }
  return found;
}

// Gathered from shares before a write, and read after it.
std::optional<Mutant> stale_gather(const Original& o, Random* random) {
  return relowered(o, [&](SpmdProgram* p) -> Text {
    const std::vector<Update> all = updates(*p);
    const auto axis = static_cast<uint32_t>((*random)() % p->mesh.axes.size());
    const std::vector<Value>& values = o.window->graph.values;
    const auto list_of = [&](RegisterId r) -> const std::vector<FactorId>& {
      return o.window->factors.of(values[p->registers[r].value].segment);
    };
    const auto u = any_of(all.size(), random, [&](size_t k) {
      const Register& before = p->registers[all[k].before];
      const Register& after = p->registers[all[k].after];
      return values[before.value].segment == values[after.value].segment &&
             std::ranges::all_of(before.placement, &AxisPlacement::replicated) &&
             before.placement == after.placement && !list_of(all[k].before).empty() &&
             o.window->factors.size(list_of(all[k].before)[0]) >= p->mesh.axes[axis].size;
    });
    if (!u) return std::nullopt;
    Register shares = p->registers[all[*u].before];
    shares.placement[axis] = split_at(0);
    p->registers.push_back(shares);
    const auto cut = static_cast<RegisterId>(p->registers.size() - 1);
    p->registers.push_back(p->registers[all[*u].before]);
    const auto gathered = static_cast<RegisterId>(p->registers.size() - 1);
    auto& read = std::get<CallStep>(p->steps[all[*u].read]);
    std::ranges::replace(read.operands, all[*u].after, gathered);
    const NodeId reader = read.node;
    const auto at = p->steps.begin() + static_cast<ptrdiff_t>(all[*u].write);
    p->steps.insert(at, {Step{MoveStep{MoveKind::kSlice, axis, all[*u].before, cut, reader}},
                         Step{MoveStep{MoveKind::kAllGather, axis, cut, gathered, reader}}});
    return "at " + std::to_string(all[*u].write) + ", read at " + std::to_string(all[*u].read);
  });
}

constexpr MutantClass kClasses[] = {
    {"program: move left out", dropped_move},
    {"program: summed twice", doubled_sum},
    {"program: partial of another kind", other_reduction},
    {"program: shares of another factor", other_split},
    {"program: gathered before a write", stale_gather},
};

}  // namespace

std::span<const MutantClass> program_mutants() { return kClasses; }

std::vector<MutantClass> all_mutant_classes() {
  std::vector<MutantClass> all;
  for (const auto some :
       {collective_mutants(), call_mutants(), dataflow_mutants(), program_mutants()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

}  // namespace moai::compiler
