// Mistakes in what pipeline stages send each other.
#include <algorithm>

#include "moai/compiler/conformance/mutants/mutant.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler {
namespace {

// The ranks of a stage, which call alike.
struct Stage {
  EditedRanks* ranks = nullptr;
  size_t first = 0, end = 0;

  const std::vector<EditedNode>& nodes() const { return ranks->of_rank(first); }
  template <class Change>
  void each(const Change& change) const {
    for (size_t rank = first; rank < end; ++rank) change(&ranks->of_rank(rank));
  }
};

// Changes one stage: `edit` says what it did.
template <class EditStage>
std::optional<Mutant> edited_stage(const Original& o, Random* random, const EditStage& edit) {
  const Mesh& mesh = o.laid->program.mesh;
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto each = static_cast<size_t>(mesh.stage_ranks());
    const size_t stage = (*random)() % static_cast<size_t>(mesh.stages());
    const Edit what = edit(Stage{r, stage * each, (stage + 1) * each});
    if (!what) return std::nullopt;
    return *what + " of stage " + std::to_string(stage);
  });
}

std::optional<size_t> any_call(const Stage& s, std::string_view op, Random* random) {
  return any_of(s.nodes().size(), random, [&](size_t i) { return s.nodes()[i].calls(op); });
}
std::string text_of(const Stage& s, size_t i) { return to_string(s.nodes()[i].signature); }

std::optional<Mutant> not_sent(const Original& o, Random* random) {
  return edited_stage(o, random, [&](const Stage& s) -> Edit {
    const auto i = any_call(s, "moai::send", random);
    if (!i) return std::nullopt;
    const std::string what = text_of(s, *i);
    s.each([&](auto* nodes) { nodes->erase(nodes->begin() + static_cast<ptrdiff_t>(*i)); });
    return what;
  });
}

std::optional<Mutant> sent_twice(const Original& o, Random* random) {
  return edited_stage(o, random, [&](const Stage& s) -> Edit {
    const auto i = any_call(s, "moai::send", random);
    if (!i) return std::nullopt;
    s.each([&](auto* nodes) {
      const EditedNode again = (*nodes)[*i];
      nodes->insert(nodes->begin() + static_cast<ptrdiff_t>(*i), again);
    });
    return text_of(s, *i);
  });
}

// A message with an item less than the other stage takes.
std::optional<Mutant> less_an_item(const Original& o, Random* random) {
  return edited_stage(o, random, [&](const Stage& s) -> Edit {
    const auto i = any_call(s, "moai::send", random);
    if (!i || items_of(s.nodes()[*i]) < 2) return std::nullopt;
    const size_t item = (*random)() % items_of(s.nodes()[*i]);
    const std::string what = text_of(s, *i) + ", item " + std::to_string(item);
    s.each([&](auto* nodes) { erase_item(&(*nodes)[*i], item); });
    return what;
  });
}

// Two messages of the same stages and size: each is taken for the other.
std::optional<Mutant> swapped(const Original& o, Random* random, std::string_view op) {
  return edited_stage(o, random, [&](const Stage& s) -> Edit {
    const auto a = any_call(s, op, random);
    if (!a) return std::nullopt;
    const auto alike = [&](size_t i) {
      const EditedNode& x = s.nodes()[i];
      const EditedNode& y = s.nodes()[*a];
      return i != *a && x.calls(op) && x.storages != y.storages && x.signature == y.signature;
    };
    const auto b = any_of(s.nodes().size(), random, alike);
    if (!b) return std::nullopt;
    s.each([&](auto* nodes) { std::swap((*nodes)[*a].storages, (*nodes)[*b].storages); });
    return text_of(s, *a) + " at " + std::to_string(*a) + " and " + std::to_string(*b);
  });
}
std::optional<Mutant> swapped_receives(const Original& o, Random* random) {
  return swapped(o, random, "moai::receive");
}
std::optional<Mutant> swapped_sends(const Original& o, Random* random) {
  return swapped(o, random, "moai::send");
}

std::optional<Mutant> another_stage(const Original& o, Random* random) {
  return edited_stage(o, random, [&](const Stage& s) -> Edit {
    const auto i = any_call(s, chance(random, 50) ? "moai::send" : "moai::receive", random);
    if (!i) return std::nullopt;
    const std::string what = text_of(s, *i);
    s.each([&](auto* nodes) {
      std::vector<ops::Arg>& args = (*nodes)[*i].signature.args;
      int64_t& peer = args[args.size() - 2].ints[0];
      peer = (peer + 1) % o.laid->program.mesh.stages();
    });
    return what;
  });
}

// What is sent is sent before it is made, or what was there before.
std::optional<Mutant> sent_early(const Original& o, Random* random) {
  return edited_stage(o, random, [&](const Stage& s) -> Edit {
    const auto i = any_call(s, "moai::send", random);
    if (!i || *i == 0) return std::nullopt;
    const size_t to = (*random)() % *i;
    const auto makes = [&](const EditedNode& n) {
      const auto operands = ops::tensor_operands(n.signature);
      for (size_t k = 0; n.is_call() && k < n.storages.size(); ++k) {
        const bool written = k >= operands.size() || operands[k]->written;
        const auto& sent = s.nodes()[*i].storages;
        if (written && std::ranges::find(sent, n.storages[k]) != sent.end()) return true;
      }
      return false;
    };
    const auto begin = s.nodes().begin();
    if (std::none_of(begin + static_cast<ptrdiff_t>(to), begin + static_cast<ptrdiff_t>(*i), makes))
      return std::nullopt;
    const std::string what = text_of(s, *i) + " at " + std::to_string(to);
    s.each([&](auto* nodes) {
      const auto at = [&](size_t k) { return nodes->begin() + static_cast<ptrdiff_t>(k); };
      std::rotate(at(to), at(*i), at(*i + 1));
    });
    return what;
  });
}

constexpr MutantClass kClasses[] = {
    {"stages: message not sent", not_sent},         {"stages: message sent twice", sent_twice},
    {"stages: sent before it is made", sent_early}, {"stages: swapped receives", swapped_receives},
    {"stages: swapped sends", swapped_sends},       {"stages: another stage", another_stage},
    {"stages: message less an item", less_an_item},
};

}  // namespace

std::span<const MutantClass> stage_mutants() { return kClasses; }

}  // namespace moai::compiler
