#include "moai/ops/sharding/match.h"

#include <algorithm>
#include <map>
#include <utility>

#include "moai/tensor/dtype.h"

namespace moai::ops::sharding {
namespace {

// A letter, and of one that is many dimensions the place from the end.
using Key = std::pair<uint16_t, uint16_t>;
using Keys = std::vector<Key>;

// A tensor with its term, or an argument that states sizes.
struct Site {
  const Term* term = nullptr;
  std::span<const int64_t> sizes;
  std::vector<Keys> dims;  // by size; what is skipped, and "1", has none
};

// The letters of each of `count` dimensions; nothing where there are more or fewer in `term`.
std::optional<std::vector<Keys>> keys_of(const Term& term, size_t count) {
  if (term.kind == Term::Kind::kAny) return std::vector<Keys>(count);
  size_t others = term.dims.size();
  bool has_many = false;
  for (const Dim& d : term.dims) has_many |= d.kind == Dim::Kind::kMany;
  others -= has_many ? 1 : 0;
  size_t left_out = 0;
  if (term.may_lack_leading && count < others) left_out = others - count;
  if (count + left_out < others || (!has_many && count + left_out > others)) return std::nullopt;
  std::vector<Keys> all;
  for (const Dim& d : term.dims) {
    if (d.kind == Dim::Kind::kMany) {
      for (size_t n = count + left_out - others; n-- > 0;) {
        all.push_back({{d.letters[0], static_cast<uint16_t>(n)}});
      }
    } else if (left_out > 0) {
      --left_out;
    } else {
      Keys keys;
      for (const uint16_t letter : d.letters) keys.emplace_back(letter, 0);
      all.push_back(std::move(keys));
    }
  }
  return all;
}

enum class NumberKind : uint8_t { kBool, kInteger, kReal, kComplex };

NumberKind kind_of(tensor::DType dtype) {
  switch (dtype) {
    case tensor::DType::kBool:
      return NumberKind::kBool;
    case tensor::DType::kUInt8:
    case tensor::DType::kInt8:
    case tensor::DType::kInt16:
    case tensor::DType::kInt32:
    case tensor::DType::kInt64:
    case tensor::DType::kUInt16:
    case tensor::DType::kUInt32:
    case tensor::DType::kUInt64:
      return NumberKind::kInteger;
    case tensor::DType::kComplex32:
    case tensor::DType::kComplex64:
    case tensor::DType::kComplex128:
      return NumberKind::kComplex;
    default:
      return NumberKind::kReal;
  }
}

// Whether there are partial tensors of these numbers.
bool applies(Reduction r, NumberKind numbers) {
  switch (r) {
    case Reduction::kAll:
    case Reduction::kAny:
      return numbers == NumberKind::kBool;
    case Reduction::kMax:
    case Reduction::kMin:
      return numbers == NumberKind::kInteger || numbers == NumberKind::kReal;
    case Reduction::kNorm2:
      return numbers == NumberKind::kReal;
    case Reduction::kSum:
    case Reduction::kProduct:
      return numbers != NumberKind::kBool;
  }
  return false;
}

class Matcher {
 public:
  Matcher(const Form& form, const Notation& notation) : form_(form), notation_(notation) {}

  std::optional<ShardingRule> rule(std::span<const LinearGroup> linear) {
    if (!collect() || !bind()) return std::nullopt;
    for (const Site& site : operands_) rule_.operands.push_back(dims(site));
    for (const Site& site : results_) rule_.results.push_back(dims(site));
    for (const size_t operand : written_) rule_.results.push_back(rule_.operands[operand]);
    for (const FactorDims& result : rule_.results) rule_.partial.push_back(partial_over(result));
    for (const auto& [argument, site] : sizes_) add_sizes(argument, site);
    for (const LinearGroup& group : linear) add_linear(group);
    return std::move(rule_);
  }

 private:
  // ---- what there is to match

  bool collect() {
    size_t out = 0;
    for (size_t i = 0; i < form_.args.size(); ++i) {
      const Term* term = i < notation_.args.size() ? &notation_.args[i] : nullptr;
      const Arg& a = *form_.args[i];
      if (!term && a.kind == ArgKind::kTensor && a.written && out < notation_.results.size()) {
        term = &notation_.results[out++];
      }
      if (!add_arg(a, term, static_cast<uint16_t>(i))) return false;
    }
    for (size_t i = 0; i < form_.results.size(); ++i) {
      const Term* term = i < notation_.results.size() ? &notation_.results[i] : nullptr;
      if (!add_result(*form_.results[i], term)) return false;
    }
    return true;
  }

  bool add_arg(const Arg& a, const Term* term, uint16_t index) {
    const bool is_dims =
        term && (term->kind == Term::Kind::kDims || term->kind == Term::Kind::kAny);
    switch (a.kind) {
      case ArgKind::kTensor:
        if (a.written) written_.push_back(operands_.size());
        if (a.written && is_dims && term->accumulates) {
          rule_.accumulating.push_back({found_by(), static_cast<uint16_t>(operands_.size())});
        }
        return is_dims && add_site(*term, a.geometry.sizes, &operands_);
      case ArgKind::kList:
        return add_items(a, term, index);
      case ArgKind::kInt:
      case ArgKind::kIntList:
        return add_size(a, term, index);
      default:
        return true;
    }
  }

  // How the row reduces what it finds.
  Reduction found_by() const {
    const auto found = std::ranges::find(notation_.letters, FactorKind::kReduced, &Letter::kind);
    return found == notation_.letters.end() ? Reduction::kSum : found->reduction;
  }

  bool add_items(const Arg& a, const Term* term, uint16_t index) {
    const bool is_list = term && term->kind == Term::Kind::kList;
    if (is_list && term->items.size() != a.items.size()) return false;
    for (size_t i = 0; i < a.items.size(); ++i) {
      if (!add_arg(a.items[i], is_list ? &term->items[i] : nullptr, index)) return false;
    }
    return true;
  }

  bool add_size(const Arg& a, const Term* term, uint16_t index) {
    if (!term) return true;
    if (term->kind != Term::Kind::kSize && term->kind != Term::Kind::kSizes) return true;
    if ((term->kind == Term::Kind::kSize) != (a.kind == ArgKind::kInt)) return false;
    std::vector<Site> added;
    if (!add_site(*term, a.ints, &added)) return false;
    sizes_.emplace_back(index, std::move(added[0]));
    return true;
  }

  bool add_result(const Result& r, const Term* term) {
    if (r.kind == ResultKind::kFresh) {
      const bool is_dims =
          term && (term->kind == Term::Kind::kDims || term->kind == Term::Kind::kAny);
      return is_dims && add_site(*term, r.geometry.sizes, &results_);
    }
    const bool is_list = term && term->kind == Term::Kind::kList;
    if (is_list && r.kind == ResultKind::kList && term->items.size() != r.items.size()) {
      return false;
    }
    for (size_t i = 0; i < r.items.size(); ++i) {
      if (!add_result(r.items[i], is_list ? &term->items[i] : nullptr)) return false;
    }
    return true;
  }

  static bool add_site(const Term& term, std::span<const int64_t> sizes, std::vector<Site>* out) {
    auto keys = keys_of(term, sizes.size());
    if (!keys) return false;
    out->push_back({.term = &term, .sizes = sizes, .dims = std::move(*keys)});
    return true;
  }

  // ---- sizes of letters

  template <class F>
  bool for_each_dim(F f) {
    for (const auto* sites : {&operands_, &results_}) {
      for (const Site& site : *sites) {
        for (size_t d = 0; d < site.dims.size(); ++d) {
          if (!f(site.dims[d], site.sizes[d])) return false;
        }
      }
    }
    for (const auto& [argument, site] : sizes_) {
      for (size_t d = 0; d < site.dims.size(); ++d) {
        if (site.sizes[d] >= 0 && !f(site.dims[d], site.sizes[d])) return false;
      }
    }
    return true;
  }

  bool bind() {
    for (uint16_t i = 0; i < notation_.letters.size(); ++i) {
      if (notation_.letters[i].size > 0) size_of_.emplace(Key{i, 0}, notation_.letters[i].size);
    }
    const bool agree = for_each_dim([this](const Keys& keys, int64_t size) {
      return keys.size() != 1 || bind_one(keys[0], size);
    });
    if (!agree) return false;
    for (size_t before = size_of_.size() + 1; before != size_of_.size();) {
      before = size_of_.size();
      if (!for_each_dim([this](const Keys& keys, int64_t n) { return bind_unknown(keys, n); })) {
        return false;
      }
    }
    return for_each_dim([this](const Keys& keys, int64_t n) { return is_product(keys, n); }) &&
           std::ranges::all_of(operands_, [](const Site& s) { return ones_are_one(s); }) &&
           std::ranges::all_of(results_, [this](const Site& s) { return is_exact(s); });
  }

  // What has no letter has no more than one element along it.
  static bool ones_are_one(const Site& site) {
    if (site.term->kind == Term::Kind::kAny) return true;
    for (size_t d = 0; d < site.dims.size(); ++d) {
      if (site.dims[d].empty() && site.sizes[d] > 1) return false;
    }
    return true;
  }

  // Results are broadcast against nothing.
  bool is_exact(const Site& site) const {
    if (!ones_are_one(site)) return false;
    for (size_t d = 0; d < site.dims.size(); ++d) {
      for (const Key& key : site.dims[d]) {
        const auto at = size_of_.find(key);
        if (site.sizes[d] == 1 && at != size_of_.end() && at->second > 1) return false;
      }
    }
    return true;
  }

  // Sizes 0 and 1 stand beside another: what is broadcast, and what a device leaves empty.
  bool bind_one(const Key& key, int64_t size) {
    const auto [at, is_first] = size_of_.emplace(key, size);
    if (is_first || size <= 1 || at->second == size) return true;
    if (at->second > 1) return false;
    at->second = size;
    return true;
  }

  bool bind_unknown(const Keys& keys, int64_t size) {
    int64_t known = 1;
    const Key* unknown = nullptr;
    for (const Key& key : keys) {
      const auto at = size_of_.find(key);
      if (at != size_of_.end()) {
        known *= at->second;
      } else if (unknown) {
        return true;
      } else {
        unknown = &key;
      }
    }
    if (!unknown || known == 0 || size == 0) return true;
    if (size % known != 0) return size <= 1;
    size_of_.emplace(*unknown, size / known);
    return true;
  }

  bool is_product(const Keys& keys, int64_t size) const {
    if (keys.empty() || size <= 1) return true;
    int64_t product = 1;
    for (const Key& key : keys) {
      const auto at = size_of_.find(key);
      if (at == size_of_.end()) return false;
      product *= at->second;
    }
    return product == size;
  }

  // ---- the rule

  FactorIndex factor(const Key& key) {
    const auto [at, is_new] =
        factor_of_.emplace(key, static_cast<FactorIndex>(rule_.factors.size()));
    if (!is_new) return at->second;
    const Letter& letter = notation_.letters[key.first];
    const int64_t size = size_of_.at(key);
    rule_.factors.push_back({.size = size,
                             .kind = size == 0 ? FactorKind::kFrozen : letter.kind,
                             .reduction = letter.reduction});
    return at->second;
  }

  // A factor of its own.
  std::vector<FactorIndex> frozen(int64_t size) {
    if (size == 1) return {};
    rule_.factors.push_back({.size = size, .kind = FactorKind::kFrozen});
    return {static_cast<FactorIndex>(rule_.factors.size() - 1)};
  }

  FactorDims dims(const Site& site) {
    FactorDims all;
    for (size_t d = 0; d < site.dims.size(); ++d) {
      all.push_back(site.term->kind == Term::Kind::kAny ? frozen(site.sizes[d])
                                                        : factors(site.dims[d], site.sizes[d]));
    }
    return all;
  }

  std::vector<FactorIndex> factors(const Keys& keys, int64_t size) {
    if (size == 1) return {};
    const bool is_empty = keys.size() == 1 && size_of_.at(keys[0]) == 0;
    if (size == 0 && !is_empty) return frozen(0);
    std::vector<FactorIndex> all;
    for (const Key& key : keys) {
      if (size_of_.at(key) != 1) all.push_back(factor(key));
    }
    return all;
  }

  std::vector<FactorIndex> partial_over(const FactorDims& result) const {
    std::vector<FactorIndex> over;
    for (size_t i = 0; i < rule_.factors.size(); ++i) {
      const FactorKind kind = rule_.factors[i].kind;
      if (kind != FactorKind::kReduced && kind != FactorKind::kIndexed) continue;
      const auto f = static_cast<FactorIndex>(i);
      const bool stands = std::ranges::any_of(
          result, [f](const auto& dim) { return std::ranges::find(dim, f) != dim.end(); });
      if (!stands) over.push_back(f);
    }
    return over;
  }

  void add_sizes(uint16_t argument, const Site& site) {
    for (size_t d = 0; d < site.dims.size(); ++d) {
      if (site.sizes[d] <= 1) continue;
      SizeArgument size{.argument = argument};
      if (site.term->kind == Term::Kind::kSizes) size.item = static_cast<int16_t>(d);
      for (const Key& key : site.dims[d]) {
        if (factor_of_.contains(key)) size.factors.push_back(factor_of_.at(key));
      }
      if (!size.factors.empty()) rule_.sizes.push_back(std::move(size));
    }
  }

  // Kinds of numbers of the results, and of what is written.
  std::vector<NumberKind> result_numbers() const {
    std::vector<NumberKind> all;
    for (const ops::Result* r : form_.results) {
      if (r->kind == ResultKind::kFresh) all.push_back(kind_of(r->geometry.dtype));
    }
    for (const Arg* a : form_.args) {
      if (a->kind == ArgKind::kTensor && a->written) all.push_back(kind_of(a->geometry.dtype));
    }
    return all;
  }

  void add_linear(const LinearGroup& group) {
    LinearOperands linear{.reduction = group.reduction};
    std::vector<NumberKind> numbers = result_numbers();
    for (const uint16_t index : group.args) {
      const Arg* a = form_.arg(index);
      if (!a || a->kind == ArgKind::kNone || a->kind == ArgKind::kUndefined) continue;
      const bool is_list = a->kind == ArgKind::kList;
      if (!is_list && a->kind != ArgKind::kTensor) return;
      uint32_t operand = form_.operands_before[index];
      for (const Arg& item : is_list ? std::span(a->items) : std::span(a, 1)) {
        if (item.kind != ArgKind::kTensor) continue;
        numbers.push_back(kind_of(item.geometry.dtype));
        linear.operands.push_back(static_cast<uint16_t>(operand++));
      }
    }
    if (linear.operands.empty()) return;
    const auto last = group.every_reduction ? Reduction::kNorm2 : group.reduction;
    for (auto r = group.every_reduction ? Reduction::kSum : group.reduction; r <= last;
         r = static_cast<Reduction>(static_cast<uint8_t>(r) + 1)) {
      linear.reduction = r;
      const bool fits = std::ranges::all_of(numbers, [r](NumberKind n) { return applies(r, n); });
      if (fits && std::ranges::find(rule_.linear, linear) == rule_.linear.end()) {
        rule_.linear.push_back(linear);
      }
    }
  }

  const Form& form_;
  const Notation& notation_;
  std::vector<Site> operands_, results_;
  std::vector<size_t> written_;
  std::vector<std::pair<uint16_t, Site>> sizes_;
  std::map<Key, int64_t> size_of_;
  std::map<Key, FactorIndex> factor_of_;
  ShardingRule rule_;
};

}  // namespace

std::optional<ShardingRule> match(const Form& form, const Notation& notation,
                                  std::span<const LinearGroup> linear) {
  return Matcher(form, notation).rule(linear);
}

}  // namespace moai::ops::sharding
