// Mistakes in what is read, and when.
#include <algorithm>

#include "moai/compiler/conformance/mutants/mutant.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler {
namespace {

// A tensor of a call by its place among the operands.
struct Access {
  size_t node = 0, operand = 0;
};

const ops::Arg& argument(const EditedNode& n, size_t operand) {
  return *ops::tensor_operands(n.signature)[operand];
}

// Operands that the calls of all ranks write.
std::vector<Access> writes(const EditedRanks& r) {
  std::vector<Access> found;
  for (size_t i = 0; i < r.size(); ++i) {
    if (!r.at(i).is_call()) continue;
    const auto args = ops::tensor_operands(r.at(i).signature);
    for (size_t k = 0; k < args.size(); ++k) {
      if (args[k]->written && r.at(i).storages[k] != 0) found.push_back({i, k});
    }
  }
  return found;
}

std::optional<Access> any_write(const EditedRanks& r, Random* random) {
  const std::vector<Access> all = writes(r);
  if (all.empty()) return std::nullopt;
  return all[(*random)() % all.size()];
}

// The reads of what a write leaves.
std::vector<Access> reads_after(const EditedRanks& r, const Access& write) {
  std::vector<Access> found;
  const graph::StorageId id = r.at(write.node).storages[write.operand];
  for (size_t i = write.node + 1; i < r.size(); ++i) {
    if (!r.at(i).is_call()) continue;
    const auto args = ops::tensor_operands(r.at(i).signature);
    for (size_t k = 0; k < args.size(); ++k) {
      if (r.at(i).storages[k] == id && !args[k]->written) found.push_back({i, k});
    }
  }
  return found;
}

// A call in front of one that makes or writes what it uses.
std::optional<Mutant> wrong_order(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto depends = [&](size_t late, size_t early) {
      if (!r->at(late).is_call() || !r->at(early).is_call()) return false;
      const std::vector<bool> written = written_operands(r->at(early).signature);
      const std::vector<graph::StorageId>& ids = r->at(early).storages;
      for (size_t k = 0; k < ids.size(); ++k) {
        if (k < written.size() && !written[k]) continue;
        if (std::ranges::find(r->at(late).storages, ids[k]) != r->at(late).storages.end()) {
          return true;
        }
      }
      return false;
    };
    const auto i = any_of(r->size(), random, [&](size_t late) {
      for (size_t early = late > 12 ? late - 12 : 0; early < late; ++early) {
        if (depends(late, early)) return true;
      }
      return false;
    });
    if (!i) return std::nullopt;
    size_t to = *i - 1;
    while (!depends(*i, to)) --to;
    const std::string what = text_of(r->at(*i), *i) + " in front of " + text_of(r->at(to), to);
    r->move(*i, to);
    return what;
  });
}

// A write behind the next that reads what it leaves.
std::optional<Mutant> read_before_write(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto write = any_write(*r, random);
    if (!write) return std::nullopt;
    const std::vector<Access> reads = reads_after(*r, *write);
    if (reads.empty()) return std::nullopt;
    const std::string what = text_of(r->at(write->node), write->node);
    r->move(write->node, reads[0].node + 1);
    return what + " behind " + std::to_string(reads[0].node);
  });
}

// What was there before a write, kept in a copy that is read after it.
std::optional<Mutant> stale_copy(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto write = any_write(*r, random);
    if (!write) return std::nullopt;
    const std::vector<Access> reads = reads_after(*r, *write);
    if (reads.empty()) return std::nullopt;
    const Access read = reads[(*random)() % reads.size()];
    const graph::StorageId id = r->at(write->node).storages[write->operand];
    const graph::StorageId copy = r->fresh_storage();
    const std::string what = text_of(r->at(read.node), read.node) + " reads s" +
                             std::to_string(id) + " of before " +
                             text_of(r->at(write->node), write->node);
    r->insert(read.node + 1, [&](size_t) { return release_of(copy); });
    for (size_t rank = 0; rank < r->ranks(); ++rank) {
      EditedNode& n = r->at(rank, read.node);
      n.storages[read.operand] = copy;
      ops::tensor_operands(n.signature)[read.operand]->geometry.offset = 0;
    }
    // As the reader sees it, so that it fits.
    EditedRanks before = *r;
    r->insert(write->node, [&](size_t rank) {
      tensor::Geometry g = argument(before.at(rank, read.node), read.operand).geometry;
      const tensor::Geometry& written =
          argument(before.at(rank, write->node), write->operand).geometry;
      g.offset = tensor::element_count(g) == tensor::element_count(written) ? written.offset : 0;
      EditedNode clone = clone_of(g, id, copy);
      // The copy lies as what it is a copy of.
      clone.signature.results[0].geometry = g;
      clone.signature.results[0].geometry.offset = 0;
      return clone;
    });
    return what;
  });
}

// A move between placements made before the last write of what it moves.
std::optional<Mutant> stale_move(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto last_write = [&](size_t i) -> std::optional<size_t> {
      std::optional<size_t> last;
      for (const Access& w : writes(*r)) {
        if (w.node < i && r->at(w.node).storages[w.operand] == r->at(i).storages[0]) last = w.node;
      }
      return last;
    };
    const auto moves = [&](size_t i) {
      return (r->at(i).moves_between_ranks() && !r->at(i).calls("moai::all_reduce")) ||
             (r->at(i).calls("aten::clone") && r->at(i).line == 0);
    };
    const auto i =
        any_of(r->size(), random, [&](size_t k) { return moves(k) && last_write(k).has_value(); });
    if (!i) return std::nullopt;
    const size_t to = *last_write(*i);
    const std::string what = text_of(r->at(*i), *i) + " before " + text_of(r->at(to), to);
    r->move(*i, to);
    return what;
  });
}

// A write that does not reach the storage that others use.
std::optional<Mutant> untied(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto write = any_write(*r, random);
    if (!write) return std::nullopt;
    const graph::StorageId id = r->at(write->node).storages[write->operand];
    const graph::StorageId copy = r->fresh_storage();
    const std::string what =
        "s" + std::to_string(id) + " in " + text_of(r->at(write->node), write->node);
    r->insert(write->node + 1, [&](size_t) { return release_of(copy); });
    EditedRanks before = *r;
    r->insert(write->node, [&](size_t rank) {
      tensor::Geometry g = argument(before.at(rank, write->node), write->operand).geometry;
      EditedNode clone = clone_of(g, id, copy);
      clone.signature.results[0].geometry = g;
      clone.signature.results[0].geometry.offset = 0;
      return clone;
    });
    for (size_t rank = 0; rank < r->ranks(); ++rank) {
      EditedNode& n = r->at(rank, write->node + 1);
      n.storages[write->operand] = copy;
      ops::tensor_operands(n.signature)[write->operand]->geometry.offset = 0;
    }
    return what;
  });
}

// Another storage that is there and fits.
std::optional<Mutant> other_storage(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto i = any_of(r->size(), random, [&](size_t k) {
      return r->at(k).is_call() && !r->at(k).storages.empty();
    });
    if (!i) return std::nullopt;
    const size_t operands = written_operands(r->at(*i).signature).size();
    if (operands == 0) return std::nullopt;
    const size_t operand = (*random)() % operands;
    const tensor::Geometry& g = argument(r->at(*i), operand).geometry;
    std::vector<graph::StorageId> others;
    for (size_t k = 0; k < *i; ++k) {
      if (!r->at(k).is_call()) continue;
      const auto args = ops::tensor_operands(r->at(k).signature);
      for (size_t a = 0; a < args.size(); ++a) {
        const graph::StorageId id = r->at(k).storages[a];
        const bool fits = args[a]->geometry == g && id != r->at(*i).storages[operand] && id != 0;
        if (fits && std::ranges::find(others, id) == others.end()) others.push_back(id);
      }
    }
    for (size_t k = 0; k < *i; ++k) {
      if (r->at(k).kind == graph::NodeKind::kFree) std::erase(others, r->at(k).storages[0]);
    }
    if (others.empty()) return std::nullopt;
    const graph::StorageId other = others[(*random)() % others.size()];
    for (size_t rank = 0; rank < r->ranks(); ++rank) {
      r->at(rank, *i).storages[operand] = other;
    }
    return "s" + std::to_string(other) + " as operand " + std::to_string(operand) + " of " +
           text_of(r->at(*i), *i);
  });
}

std::optional<Mutant> released_early(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto last_use = [&](size_t i) -> std::optional<size_t> {
      for (size_t k = i; k-- > 0;) {
        const std::vector<graph::StorageId>& ids = r->at(k).storages;
        if (r->at(k).is_call() && std::ranges::find(ids, r->at(i).storages[0]) != ids.end()) {
          return k;
        }
      }
      return std::nullopt;
    };
    const auto i = any_of(r->size(), random, [&](size_t k) {
      return r->at(k).kind == graph::NodeKind::kFree && last_use(k).has_value();
    });
    if (!i) return std::nullopt;
    const std::string what = "s" + std::to_string(r->at(*i).storages[0]);
    r->move(*i, *last_use(*i));
    return what;
  });
}

std::optional<Mutant> small_allocation(const Original& o, Random* random) {
  return edited(o, [&](EditedRanks* r) -> Edit {
    const auto i = any_of(r->size(), random,
                          [&](size_t k) { return r->at(k).kind == graph::NodeKind::kAlloc; });
    if (!i) return std::nullopt;
    const size_t one = (*random)() % r->ranks();
    const bool everywhere = chance(random, 50);
    for (size_t rank = 0; rank < r->ranks(); ++rank) {
      if (everywhere || rank == one) r->at(rank, *i).words[0] = r->at(rank, *i).words[0] / 2;
    }
    return "s" + std::to_string(r->at(*i).storages[0]);
  });
}

constexpr MutantClass kClasses[] = {
    {"wrong order", wrong_order},
    {"read before write", read_before_write},
    {"copy used stale", stale_copy},
    {"gathered before the write", stale_move},
    {"untied weights", untied},
    {"another storage", other_storage},
    {"released before the last use", released_early},
    {"too small an allocation", small_allocation},
};

}  // namespace

std::span<const MutantClass> dataflow_mutants() { return kClasses; }

}  // namespace moai::compiler
