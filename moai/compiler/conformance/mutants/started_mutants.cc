// Mistakes in what goes on beside calls.
#include <algorithm>

#include "moai/compiler/conformance/mutants/mutant.h"
#include "moai/ops/call_build.h"
#include "moai/ops/call_tensors.h"
#include "moai/ops/started_call.h"

namespace moai::compiler {
namespace {

std::optional<size_t> any_wait(const EditedRanks& r, Random* random) {
  return any_of(r.size(), random, [&](size_t i) { return r.at(i).calls("moai::wait"); });
}
// The start that a wait is for.
size_t start_of(const EditedRanks& r, size_t wait) {
  const auto& made = r.at(wait).storages;
  for (size_t i = wait; i-- > 0;) {
    const EditedNode& n = r.at(i);
    if (!n.is_call() || !ops::is_start(n.signature)) continue;
    const auto& ids = n.storages;
    if (ids.size() >= made.size() && std::equal(made.rbegin(), made.rend(), ids.rbegin())) return i;
  }
  return wait;
}

std::optional<Mutant> no_wait(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto i = any_wait(*r, random);
    if (!i) return std::nullopt;
    const std::string what = text_of(r->at(*i), *i);
    r->erase(*i);
    return what;
  });
}

// Behind somebody who needs what is exchanged, or behind all.
std::optional<Mutant> late_wait(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto i = any_wait(*r, random);
    if (!i) return std::nullopt;
    const size_t to = *i + 2 + (*random)() % std::min<size_t>(r->size() - *i, 20);
    const std::string what = text_of(r->at(*i), *i);
    r->move(*i, std::min(to, r->size()));
    return what + " behind " + std::to_string(to - 1);
  });
}

std::optional<Mutant> wait_first(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto i = any_wait(*r, random);
    if (!i) return std::nullopt;
    const std::string what = text_of(r->at(*i), *i);
    r->move(*i, start_of(*r, *i));
    return what;
  });
}

// In front of any node between a start and its wait.
template <class Make>
std::optional<Mutant> in_flight(const Original& o, Random* random, const Make& make) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto i = any_wait(*r, random);
    if (!i) return std::nullopt;
    const size_t start = start_of(*r, *i);
    const size_t at = start + 1 + (*random)() % (*i - start);
    const size_t item = (*random)() % ops::tensor_operands(r->at(start).signature).size();
    r->insert(at, [&](size_t rank) { return make(r->at(rank, start), item); });
    return text_of(r->at(start), start) + " item " + std::to_string(item) + " before node " +
           std::to_string(at);
  });
}

std::optional<Mutant> overwritten(const Original& o, Random* random) {
  return in_flight(o, random, [](const EditedNode& start, size_t item) {
    EditedNode n;
    n.signature.op = "aten::zero_";
    n.signature.args = {
        ops::of_tensor(ops::tensor_operands(start.signature)[item]->geometry, true)};
    n.signature.results = {{.kind = ops::ResultKind::kIgnored}};
    n.storages = {start.storages[item]};
    return n;
  });
}

std::optional<Mutant> released(const Original& o, Random* random) {
  return in_flight(o, random, [](const EditedNode& start, size_t item) {
    return release_of(start.storages[item]);
  });
}

constexpr MutantClass kClasses[] = {
    {"started: no wait", no_wait},
    {"started: late wait", late_wait},
    {"started: wait before the start", wait_first},
    {"started: operand overwritten in flight", overwritten},
    {"started: operand released in flight", released},
};

}  // namespace

std::span<const MutantClass> started_mutants() { return kClasses; }

}  // namespace moai::compiler
