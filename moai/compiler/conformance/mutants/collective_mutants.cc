// Mistakes in what travels between ranks.
#include <algorithm>

#include "moai/compiler/conformance/mutants/mutant.h"
#include "moai/ops/call_build.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler {
namespace {

using Edit = std::optional<std::string>;

std::optional<size_t> any_collective(const EditedRanks& r, Random* random) {
  return any_of(r.size(), random, [&](size_t i) { return r.at(i).moves_between_ranks(); });
}
std::optional<size_t> any_sum(const EditedRanks& r, Random* random) {
  return any_of(r.size(), random, [&](size_t i) { return r.at(i).calls("moai::all_reduce"); });
}

std::string text_of(const EditedNode& n, size_t i) {
  return to_string(n.signature).substr(0, 90) + " at " + std::to_string(i);
}

// A sum less, or what should have travelled stays.
std::optional<Mutant> missing(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto i = any_collective(*r, random);
    if (!i) return std::nullopt;
    const std::string what = text_of(r->at(*i), *i);
    if (r->at(*i).calls("moai::all_reduce")) {
      const size_t items = r->at(*i).storages.size();
      if (items == 1) {
        r->erase(*i);
        return what;
      }
      const auto item = static_cast<ptrdiff_t>((*random)() % items);
      for (size_t rank = 0; rank < r->ranks(); ++rank) {
        EditedNode& n = r->at(rank, *i);
        n.storages.erase(n.storages.begin() + item);
        n.signature.args[0].items.erase(n.signature.args[0].items.begin() + item);
      }
      return what + ", item " + std::to_string(item);
    }
    for (size_t rank = 0; rank < r->ranks(); ++rank) {
      EditedNode& n = r->at(rank, *i);
      n = clone_of(ops::tensor_operands(n.signature)[0]->geometry, n.storages[0], n.storages[1]);
    }
    return what;
  });
}

std::optional<Mutant> missing_on_one_rank(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto i = any_collective(*r, random);
    if (!i) return std::nullopt;
    const size_t rank = (*random)() % r->ranks();
    std::vector<EditedNode>& nodes = r->of_rank(rank);
    nodes.erase(nodes.begin() + static_cast<ptrdiff_t>(*i));
    return text_of(r->at(0, *i), *i) + " on rank " + std::to_string(rank);
  });
}

std::optional<Mutant> doubled(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto i = chance(random, 70) ? any_sum(*r, random) : any_collective(*r, random);
    if (!i) return std::nullopt;
    const bool in_place = r->at(*i).calls("moai::all_reduce");
    const graph::StorageId id = r->fresh_storage();
    r->insert(*i + 1, [&](size_t rank) {
      EditedNode again = r->at(rank, *i);
      if (!in_place) again.storages[1] = id;
      return again;
    });
    if (!in_place) r->insert(*i + 2, [&](size_t) { return release_of(id); });
    return text_of(r->at(*i), *i);
  });
}

// Of any tensor that a call reads, over any axis.
std::optional<Mutant> needless(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto fits = [&](size_t i) {
      if (!r->at(i).is_call() || r->at(i).moves_between_ranks()) return false;
      const auto args = ops::tensor_operands(r->at(i).signature);
      return !args.empty() && !args[0]->written && r->at(i).storages[0] != 0 &&
             args[0]->geometry.dtype == tensor::DType::kFloat64 &&
             tensor::is_contiguous(args[0]->geometry);
    };
    const auto i = any_of(r->size(), random, fits);
    if (!i) return std::nullopt;
    const auto axis = static_cast<int64_t>((*random)() % o.laid->program.mesh.axes.size());
    r->insert(*i, [&](size_t rank) {
      const EditedNode& reader = r->at(rank, *i);
      ops::Arg list{.kind = ops::ArgKind::kList};
      list.items = {ops::of_tensor(ops::tensor_operands(reader.signature)[0]->geometry, true)};
      return EditedNode{
          .signature = {.op = "moai::all_reduce",
                        .overload = "",
                        .args = {std::move(list), ops::of_text("sum"), ops::of_int(axis)},
                        .results = {{.kind = ops::ResultKind::kIgnored}}},
          .storages = {reader.storages[0]}};
    });
    return "in front of " + text_of(r->at(*i + 1), *i);
  });
}

std::optional<Mutant> wrong_kind(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto reduces = [&](size_t i) {
      return r->at(i).calls("moai::all_reduce") || r->at(i).calls("moai::reduce_scatter");
    };
    const auto i = any_of(r->size(), random, reduces);
    if (!i) return std::nullopt;
    const size_t argument = r->at(*i).calls("moai::all_reduce") ? 1 : 3;
    constexpr const char* kKinds[] = {"sum", "max", "min", "product", "norm2"};
    std::string& now = r->at(0, *i).signature.args[argument].text;
    const std::string kind = kKinds[(*random)() % std::size(kKinds)];
    if (kind == now) return std::nullopt;
    for (size_t rank = 0; rank < r->ranks(); ++rank) {
      r->at(rank, *i).signature.args[argument].text = kind;
    }
    return text_of(r->at(*i), *i) + " becomes " + kind;
  });
}

std::optional<Mutant> wrong_axis(const Original& o, Random* random) {
  const size_t axes = o.laid->program.mesh.axes.size();
  if (axes < 2) return std::nullopt;
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto i = chance(random, 50) ? any_sum(*r, random) : any_collective(*r, random);
    if (!i) return std::nullopt;
    for (size_t rank = 0; rank < r->ranks(); ++rank) {
      int64_t& axis = r->at(rank, *i).signature.args.back().ints[0];
      axis = (axis + 1) % static_cast<int64_t>(axes);
    }
    return text_of(r->at(*i), *i);
  });
}

// Shares of other ranks: in a list, in one call, in all of a rank's program.
std::optional<Mutant> rank_order(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const size_t a = (*random)() % r->ranks(), b = (*random)() % r->ranks();
    if (a == b) return std::nullopt;
    const std::string ranks = "ranks " + std::to_string(a) + " and " + std::to_string(b);
    if (chance(random, 15)) {
      r->swap_ranks(a, b);
      return ranks;
    }
    const auto differs = [&](size_t i) {
      return r->at(i).is_call() && r->at(a, i).signature != r->at(b, i).signature;
    };
    const auto lists = [&](size_t i) {
      return r->at(i).moves_between_ranks() && !r->at(i).calls("moai::all_reduce");
    };
    const bool in_list = chance(random, 50);
    const auto i = in_list ? any_of(r->size(), random, lists) : any_of(r->size(), random, differs);
    if (!i) return std::nullopt;
    if (!in_list) {
      std::swap(r->at(a, *i).signature, r->at(b, *i).signature);
      return ranks + " in " + text_of(r->at(*i), *i);
    }
    for (size_t rank = 0; rank < r->ranks(); ++rank) {
      for (ops::Arg& arg : r->at(rank, *i).signature.args) {
        if (arg.kind == ops::ArgKind::kIntList) std::ranges::reverse(arg.ints);
      }
    }
    return "shares of " + text_of(r->at(*i), *i);
  });
}

constexpr MutantClass kClasses[] = {
    {"missing collective", missing},
    {"collective missing on one rank", missing_on_one_rank},
    {"doubled collective", doubled},
    {"needless collective", needless},
    {"wrong kind of reduction", wrong_kind},
    {"wrong group or axis", wrong_axis},
    {"wrong rank order", rank_order},
};

}  // namespace

std::span<const MutantClass> collective_mutants() { return kClasses; }

}  // namespace moai::compiler
