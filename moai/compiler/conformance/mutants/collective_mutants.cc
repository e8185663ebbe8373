// Mistakes in what travels between ranks.
#include <algorithm>

#include "moai/compiler/conformance/mutants/mutant.h"
#include "moai/ops/bundled_call.h"
#include "moai/ops/call_build.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler {
namespace {

std::optional<size_t> any_collective(const EditedRanks& r, Random* random) {
  return any_of(r.size(), random, [&](size_t i) { return r.at(i).moves_between_ranks(); });
}
std::optional<size_t> any_sum(const EditedRanks& r, Random* random) {
  return any_of(r.size(), random, [&](size_t i) { return r.at(i).calls("moai::all_reduce"); });
}

// A sum less, or what should have travelled stays.
std::optional<Mutant> missing(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto i = any_collective(*r, random);
    if (!i) return std::nullopt;
    const size_t items = items_of(r->at(*i)), item = (*random)() % items;
    const std::string what = text_of(r->at(*i), *i) + ", item " + std::to_string(item);
    if (!r->at(*i).calls("moai::all_reduce")) {
      r->insert(*i + 1, [&](size_t rank) {
        EditedNode& n = r->at(rank, *i);
        const auto ids = item_storages(&n, item);
        return clone_of(ops::tensor_operands(n.signature)[item]->geometry, *ids[0], *ids[1]);
      });
    }
    if (items == 1) {
      r->erase(*i);
    } else {
      for (size_t rank = 0; rank < r->ranks(); ++rank) erase_item(&r->at(rank, *i), item);
    }
    return what;
  });
}

// Two items of a bundle read, or make, what the other should.
std::optional<Mutant> swapped_items(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto alike = [&](size_t i, size_t a, size_t b) {
      const auto items = *ops::unbundled_call(r->at(i).signature);
      return a != b && items[a] == items[b];
    };
    const auto pair = [&](size_t i) -> std::optional<std::pair<size_t, size_t>> {
      for (size_t a = 0; a < items_of(r->at(i)); ++a) {
        for (size_t b = a + 1; b < items_of(r->at(i)); ++b) {
          if (alike(i, a, b)) return std::pair(a, b);
        }
      }
      return std::nullopt;
    };
    const auto i = any_of(r->size(), random, [&](size_t k) {
      const EditedNode& n = r->at(k);
      return n.moves_between_ranks() && !n.calls("moai::all_reduce") && items_of(n) > 1 && pair(k);
    });
    if (!i) return std::nullopt;
    const auto [a, b] = *pair(*i);
    const size_t side = (*random)() % 2;
    for (size_t rank = 0; rank < r->ranks(); ++rank) {
      EditedNode& n = r->at(rank, *i);
      std::swap(*item_storages(&n, a)[side], *item_storages(&n, b)[side]);
    }
    return text_of(r->at(*i), *i) + ", items " + std::to_string(a) + " and " + std::to_string(b);
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
    std::vector<graph::StorageId> made(in_place ? 0 : items_of(r->at(*i)));
    for (graph::StorageId& id : made) id = r->fresh_storage();
    r->insert(*i + 1, [&](size_t rank) {
      EditedNode again = r->at(rank, *i);
      std::ranges::copy_backward(made, again.storages.end());
      return again;
    });
    for (const graph::StorageId id : made)
      r->insert(*i + 2, [&](size_t) { return release_of(id); });
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
        std::ranges::reverse(arg.ints);
        for (ops::Arg& item : arg.items) std::ranges::reverse(item.ints);
      }
    }
    return "shares of " + text_of(r->at(*i), *i);
  });
}

constexpr MutantClass kClasses[] = {
    {"missing collective", missing},
    {"collective missing on one rank", missing_on_one_rank},
    {"swapped items of a bundle", swapped_items},
    {"doubled collective", doubled},
    {"needless collective", needless},
    {"wrong kind of reduction", wrong_kind},
    {"wrong group or axis", wrong_axis},
    {"wrong rank order", rank_order},
};

}  // namespace

std::span<const MutantClass> collective_mutants() { return kClasses; }

}  // namespace moai::compiler
