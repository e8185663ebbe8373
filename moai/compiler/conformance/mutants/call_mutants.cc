// Mistakes in what a rank calls.
#include <algorithm>
#include <bit>
#include <cmath>

#include "moai/compiler/conformance/mutants/mutant.h"
#include "moai/ops/call_tensors.h"
#include "moai/ops/share.h"

namespace moai::compiler {
namespace {

std::optional<size_t> any_call(const EditedRanks& r, Random* random) {
  return any_of(r.size(), random,
                [&](size_t i) { return r.at(i).is_call() && !r.at(i).moves_between_ranks(); });
}

// The ranks on which a mistake is made: one, or all.
std::vector<size_t> some_ranks(const EditedRanks& r, Random* random) {
  if (chance(random, 50)) return {(*random)() % r.ranks()};
  std::vector<size_t> all(r.ranks());
  for (size_t rank = 0; rank < all.size(); ++rank) all[rank] = rank;
  return all;
}

// A factor that belongs to the number of ranks, in a word or a number.
std::optional<Mutant> wrong_scale(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto i = any_of(r->size(), random, [&](size_t k) {
      const EditedNode& n = r->at(k);
      const auto is_number = [](const ops::Arg& a) { return a.kind == ops::ArgKind::kDouble; };
      return n.is_call() && (!n.words.empty() || std::ranges::any_of(n.signature.args, is_number));
    });
    if (!i) return std::nullopt;
    const double by =
        chance(random, 50) ? static_cast<double>(r->ranks()) : 1 / static_cast<double>(r->ranks());
    const size_t word = r->at(*i).words.empty() ? 0 : (*random)() % r->at(*i).words.size();
    for (const size_t rank : some_ranks(*r, random)) {
      EditedNode& n = r->at(rank, *i);
      for (ops::Arg& a : n.signature.args) {
        if (n.words.empty() && a.kind == ops::ArgKind::kDouble) a.doubles[0] *= by;
      }
      if (n.words.empty()) continue;
      uint64_t& bits = n.words[word];
      // A small number is an integer.
      bits = bits < 1000 ? bits * 2 + 1 : std::bit_cast<uint64_t>(std::bit_cast<double>(bits) * by);
    }
    return text_of(r->at(*i), *i) + " by " + std::to_string(by);
  });
}

// A number that divides and may be a count.
double* count_in(EditedNode* n) {
  const bool divides = n->calls("aten::div") || n->calls("aten::div_");
  if (!divides || n->signature.args.size() < 2) return nullptr;
  ops::Arg& a = n->signature.args[1];
  const bool counts = a.kind == ops::ArgKind::kDouble && a.doubles[0] >= 2;
  return counts && std::trunc(a.doubles[0]) == a.doubles[0] ? &a.doubles[0] : nullptr;
}

// Sizes of factors that registers share unevenly along an axis.
std::vector<int64_t> uneven_sizes(const Original& o, size_t axis) {
  const SpmdProgram& p = o.laid->program;
  std::vector<int64_t> found;
  for (const Register& r : p.registers) {
    if (!r.placement[axis].split()) continue;
    const SegmentId s = o.window->graph.values[r.value].segment;
    const int64_t n = o.window->factors.size(o.window->factors.of(s)[r.placement[axis].place]);
    if (n % p.mesh.axes[axis].size != 0) found.push_back(n);
  }
  return found;
}

// The count of the rank's share where that of the whole belongs.
std::optional<Mutant> mean_of_a_share(const Original& o, Random* random) {
  const Mesh& mesh = o.laid->program.mesh;
  const size_t axis = (*random)() % mesh.axes.size();
  const std::vector<int64_t> sizes = uneven_sizes(o, axis);
  if (sizes.empty()) return std::nullopt;
  const int64_t n = sizes[(*random)() % sizes.size()];
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto i = any_of(r->size(), random, [&](size_t k) {
      const double* count = count_in(&r->at(0, k));
      return count && static_cast<int64_t>(*count) % n == 0;
    });
    if (!i) return std::nullopt;
    const std::string what = text_of(r->at(*i), *i);
    for (size_t rank = 0; rank < r->ranks(); ++rank) {
      const int index = mesh.coordinate(static_cast<int>(rank), axis);
      const int64_t share = share_size(n, mesh.axes[axis].size, index);
      *count_in(&r->at(rank, *i)) *= static_cast<double>(share) / static_cast<double>(n);
    }
    return what;
  });
}

// A tensor that is another part of its storage.
std::optional<Mutant> wrong_part(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto is_slice = [&](size_t k) {
      return r->at(k).calls("aten::clone") && r->at(k).line == 0;
    };
    std::optional<size_t> i;
    if (chance(random, 30)) i = any_of(r->size(), random, is_slice);
    if (!i) i = any_call(*r, random);
    if (!i) return std::nullopt;
    const size_t count = ops::tensor_operands(r->at(*i).signature).size();
    if (count == 0) return std::nullopt;
    const size_t operand = (*random)() % count;
    const tensor::Geometry& g = ops::tensor_operands(r->at(*i).signature)[operand]->geometry;
    const size_t d = g.sizes.empty() ? 0 : (*random)() % g.sizes.size();
    const size_t how = g.sizes.empty() ? 0 : (*random)() % 4;
    const int64_t by = chance(random, 50) ? 1 : -1;
    for (const size_t rank : some_ranks(*r, random)) {
      ops::CallSignature& s = r->at(rank, *i).signature;
      tensor::Geometry& of_rank = ops::tensor_operands(s)[operand]->geometry;
      if (how == 0) of_rank.offset = std::max<int64_t>(0, of_rank.offset + by);
      if (how == 1) of_rank.offset = std::max<int64_t>(0, of_rank.offset + by * of_rank.strides[d]);
      if (how == 2) of_rank.sizes[d] = std::max<int64_t>(1, of_rank.sizes[d] + by);
      if (how == 3) of_rank.strides[d] = std::max<int64_t>(0, of_rank.strides[d] + by);
    }
    return "operand " + std::to_string(operand) + " of " + text_of(r->at(*i), *i);
  });
}

// Of calls in front of a split table.
std::optional<Mutant> wrong_table_offset(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    constexpr std::string_view kOps[] = {"aten::sub", "aten::lt", "aten::ge", "aten::clamp",
                                         "aten::masked_fill"};
    const auto i = any_of(r->size(), random, [&](size_t k) {
      if (!r->at(k).is_call()) return false;
      const ops::CallSignature& s = r->at(k).signature;
      return std::ranges::find(kOps, s.op) != std::end(kOps) && s.args.size() > 1 &&
             s.args[0].geometry.dtype == tensor::DType::kInt64 &&
             std::ranges::any_of(s.args,
                                 [](const ops::Arg& a) { return a.kind == ops::ArgKind::kInt; });
    });
    if (!i) return std::nullopt;
    const int64_t by = chance(random, 50) ? 1 : -1;
    for (const size_t rank : some_ranks(*r, random)) {
      ops::CallSignature& s = r->at(rank, *i).signature;
      const auto is_int = [](const ops::Arg& a) { return a.kind == ops::ArgKind::kInt; };
      std::ranges::find_if(s.args, is_int)->ints[0] += by;
    }
    return text_of(r->at(*i), *i) + " by " + std::to_string(by);
  });
}

// An argument that states a size, or a dimension.
std::optional<Mutant> wrong_argument(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto is_number = [](const ops::Arg& a) {
      return a.kind == ops::ArgKind::kInt || (a.kind == ops::ArgKind::kIntList && !a.ints.empty());
    };
    const auto i = any_of(r->size(), random, [&](size_t k) {
      return r->at(k).is_call() && !r->at(k).moves_between_ranks() &&
             std::ranges::any_of(r->at(k).signature.args, is_number);
    });
    if (!i) return std::nullopt;
    const std::vector<ops::Arg>& args = r->at(*i).signature.args;
    const auto a = any_of(args.size(), random, [&](size_t k) { return is_number(args[k]); });
    const size_t item = (*random)() % args[*a].ints.size();
    const int64_t by = chance(random, 50) ? 1 : -1;
    for (const size_t rank : some_ranks(*r, random)) {
      r->at(rank, *i).signature.args[*a].ints[item] += by;
    }
    return "argument " + std::to_string(*a) + " of " + text_of(r->at(*i), *i);
  });
}

// Numbers of other elements, or of another seed.
std::optional<Mutant> wrong_drawing(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const bool words = chance(random, 25);
    const auto i = any_of(r->size(), random, [&](size_t k) {
      if (!r->at(k).is_call()) return false;
      return words ? ops::draws(r->at(k).signature)
                   : ops::share_argument(r->at(k).signature) != nullptr;
    });
    if (!i) return std::nullopt;
    const std::string what = text_of(r->at(*i), *i);
    if (words) {
      // The counter comes last.
      for (const size_t rank : some_ranks(*r, random)) r->at(rank, *i).words.back() += 4;
      return "counter of " + what;
    }
    const size_t a = (*random)() % r->ranks(), b = (*random)() % r->ranks();
    if (a != b && chance(random, 40)) {
      std::swap(r->at(a, *i).signature.args.back(), r->at(b, *i).signature.args.back());
      return "parts of ranks " + std::to_string(a) + " and " + std::to_string(b) + " in " + what;
    }
    if (chance(random, 30)) {
      r->at(a, *i).signature.args.pop_back();
      return "no part in " + what;
    }
    const size_t digit = (*random)() % r->at(*i).signature.args.back().items[2].ints.size();
    const int64_t by = chance(random, 50) ? 1 : -1;
    for (const size_t rank : some_ranks(*r, random)) {
      r->at(rank, *i).signature.args.back().items[2].ints[digit] += by;
    }
    return "begin of the part in " + what;
  });
}

std::optional<Mutant> dropped(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto i = any_call(*r, random);
    if (!i) return std::nullopt;
    const std::string what = text_of(r->at(*i), *i);
    if (r->at(*i).signature.op.starts_with("aten::_foreach_") && chance(random, 70)) {
      // An item less.
      const size_t rank_count = r->ranks();
      const size_t items = r->at(*i).signature.args[0].items.size();
      const bool plain = r->at(*i).storages.size() % items == 0 && items > 1 &&
                         arity(r->at(*i).signature).fresh == 0 && r->at(*i).words.size() <= 1;
      if (plain) {
        const auto item = static_cast<ptrdiff_t>((*random)() % items);
        for (size_t rank = 0; rank < rank_count; ++rank) {
          EditedNode& n = r->at(rank, *i);
          ptrdiff_t before = 0;
          for (ops::Arg& a : n.signature.args) {
            if (a.kind != ops::ArgKind::kList) continue;
            a.items.erase(a.items.begin() + item);
            n.storages.erase(n.storages.begin() + before + item);
            before += static_cast<ptrdiff_t>(items) - 1;
          }
        }
        return "item " + std::to_string(item) + " of " + what;
      }
    }
    r->erase(*i);
    return what;
  });
}

// Another operator of the same signature.
std::optional<Mutant> exchanged(const Original& o, Random* random) {
  constexpr std::pair<std::string_view, std::string_view> kPairs[] = {
      {"aten::add", "aten::sub"},
      {"aten::add_", "aten::sub_"},
      {"aten::mul", "aten::div"},
      {"aten::mul_", "aten::div_"},
      {"aten::relu", "aten::neg"},
      {"aten::rsqrt", "aten::sqrt"},
      {"aten::reciprocal", "aten::neg"},
      {"aten::_foreach_mul_", "aten::_foreach_div_"},
      {"aten::_foreach_add_", "aten::_foreach_sub_"},
      {"aten::_foreach_sqrt", "aten::_foreach_neg"},
      {"aten::_foreach_addcmul_", "aten::_foreach_addcdiv_"},
      {"aten::sum", "aten::mean"},
      {"aten::_log_softmax", "aten::_softmax"},
      {"aten::_safe_softmax", "aten::softmax"},
      {"aten::neg", "aten::exp"},
      {"aten::silu", "aten::relu"},
      {"aten::cos", "aten::sin"},
  };
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto other = [&](const std::string& op) -> std::string_view {
      for (const auto& [a, b] : kPairs) {
        if (op == a) return b;
        if (op == b) return a;
      }
      return {};
    };
    const auto i = any_of(r->size(), random, [&](size_t k) {
      return r->at(k).is_call() && !other(r->at(k).signature.op).empty();
    });
    if (!i) return std::nullopt;
    const std::string what = text_of(r->at(*i), *i);
    for (const size_t rank : some_ranks(*r, random)) {
      std::string& op = r->at(rank, *i).signature.op;
      op = std::string(other(op));
    }
    return what;
  });
}

// Two operands that could be each other.
std::optional<Mutant> exchanged_operands(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto pair_of = [&](size_t k) -> std::optional<std::pair<size_t, size_t>> {
      if (!r->at(k).is_call() || r->at(k).moves_between_ranks()) return std::nullopt;
      const auto args = ops::tensor_operands(r->at(k).signature);
      const std::vector<graph::StorageId>& ids = r->at(k).storages;
      for (size_t a = 0; a < args.size(); ++a) {
        for (size_t b = a + 1; b < args.size(); ++b) {
          if (args[a]->geometry == args[b]->geometry && ids[a] != ids[b]) return std::pair(a, b);
        }
      }
      return std::nullopt;
    };
    const auto i = any_of(r->size(), random, [&](size_t k) { return pair_of(k).has_value(); });
    if (!i) return std::nullopt;
    const auto [a, b] = *pair_of(*i);
    for (size_t rank = 0; rank < r->ranks(); ++rank) {
      std::swap(r->at(rank, *i).storages[a], r->at(rank, *i).storages[b]);
    }
    return "operands " + std::to_string(a) + " and " + std::to_string(b) + " of " +
           text_of(r->at(*i), *i);
  });
}

constexpr MutantClass kClasses[] = {
    {"wrong scale", wrong_scale},
    {"mean over uneven shards", mean_of_a_share},
    {"wrong slice or offset", wrong_part},
    {"wrong offset into a split table", wrong_table_offset},
    {"wrong size or other argument", wrong_argument},
    {"wrong random offset", wrong_drawing},
    {"dropped operator", dropped},
    {"swapped operator", exchanged},
    {"swapped operands", exchanged_operands},
};

}  // namespace

std::span<const MutantClass> call_mutants() { return kClasses; }

}  // namespace moai::compiler
