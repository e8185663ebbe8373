#include "moai/compiler/cost/calibration/call_variants.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>

#include "moai/compiler/cost/call_work.h"
#include "moai/ops/call_tensors.h"
#include "moai/ops/sharding/rule.h"

namespace moai::compiler::cost {
namespace {

using ops::Arg;
using ops::ArgKind;
using ops::BoundCall;
using ops::CallSignature;
using ops::Result;
using ops::ShardingRule;
using tensor::DType;
using tensor::Geometry;
using Sizes = std::vector<int64_t>;

// Of other sizes; what lay together does so again, gaps grow with what lies between them. It begins
// where its storage does.
void resize(Geometry* g, const Sizes& sizes) {
  std::vector<size_t> order(g->sizes.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&](size_t d) { return g->strides[d]; });
  double scale = 1;      // of what lies inside
  int64_t at_least = 1;  // its elements
  for (size_t i = order.size(); i-- > 0;) {
    const size_t d = order[i];
    if (g->strides[d] == 0) continue;
    const double stride = std::round(static_cast<double>(g->strides[d]) * scale);
    g->strides[d] = std::max(at_least, static_cast<int64_t>(stride));
    at_least = g->strides[d] * sizes[d];
    scale *= static_cast<double>(sizes[d]) / static_cast<double>(std::max<int64_t>(g->sizes[d], 1));
  }
  g->sizes = sizes;
  g->offset = 0;
}

class Scaling {
 public:
  Scaling(const BoundCall& call, const ShardingRule& rule) : call_(call), rule_(rule) {
    for (const ops::RuleFactor& f : rule.factors) sizes_.push_back(f.size);
  }

  const Sizes& sizes() const { return sizes_; }
  // The call with factors of these sizes.
  BoundCall scaled(const Sizes& sizes) const {
    BoundCall out = call_;
    const auto operands = ops::tensor_operands(out.signature);
    for (size_t i = 0; i < operands.size(); ++i) {
      resize(&operands[i]->geometry, dims(operands[i]->geometry, rule_.operands[i], sizes));
    }
    const auto results = ops::fresh_results(out.signature);
    for (size_t i = 0; i < results.size(); ++i) {
      resize(&results[i]->geometry, dims(results[i]->geometry, rule_.results[i], sizes));
    }
    for (const ops::SizeArgument& a : rule_.sizes) {
      int64_t size = 1;
      for (const ops::FactorIndex f : a.factors) size *= sizes[f];
      out.signature.args[a.argument].ints[a.item < 0 ? 0 : static_cast<size_t>(a.item)] = size;
    }
    return out;
  }

 private:
  static Sizes dims(const Geometry& g, const ops::FactorDims& factors, const Sizes& sizes) {
    Sizes out = g.sizes;
    for (size_t d = 0; d < out.size(); ++d) {
      if (factors[d].empty()) continue;
      out[d] = 1;
      for (const ops::FactorIndex f : factors[d]) out[d] *= sizes[f];
    }
    return out;
  }

  const BoundCall& call_;
  const ShardingRule& rule_;
  Sizes sizes_;
};

int64_t times_at_least_one(int64_t size, double times) {
  return std::max<int64_t>(1, std::llround(static_cast<double>(size) * times));
}

bool is_list(const Arg& a) { return a.kind == ArgKind::kList && !a.items.empty(); }

// How many tensors the lists of the call have; 0 where they have not all as many.
size_t list_length(const CallSignature& s) {
  size_t length = 0;
  for (const Arg& a : s.args) {
    if (!is_list(a)) continue;
    if (length != 0 && a.items.size() != length) return 0;
    length = a.items.size();
  }
  return length;
}

// The first `count` of all lists.
BoundCall shortened(const BoundCall& call, size_t count) {
  BoundCall out = call;
  out.words.clear();
  size_t word = 0;
  for (Arg& a : out.signature.args) {
    const size_t words = ops::arity(a).words;
    if (is_list(a)) a.items.resize(std::min(a.items.size(), count));
    const size_t kept = ops::arity(a).words;
    for (size_t i = 0; i < kept && word + i < call.words.size(); ++i) {
      out.words.push_back(call.words[word + i]);
    }
    word += words;
    if (a.kind == ArgKind::kDoubleList && a.doubles.size() > count) a.doubles.resize(count);
  }
  for (Result& r : out.signature.results) {
    if (r.kind == ops::ResultKind::kList && r.items.size() > count) r.items.resize(count);
  }
  return out;
}

// Every tensor of a list's call with its first dimension as many times as long.
BoundCall lengthened(const BoundCall& call, double times) {
  BoundCall out = call;
  const auto grow = [&](Geometry* g) {
    if (g->sizes.empty()) return;
    Sizes sizes = g->sizes;
    sizes[0] = times_at_least_one(sizes[0], times);
    resize(g, sizes);
  };
  for (Arg* a : ops::tensor_operands(out.signature)) grow(&a->geometry);
  for (Result* r : ops::fresh_results(out.signature)) grow(&r->geometry);
  return out;
}

bool over_lists(const CallSignature& s) { return s.op.find("_foreach_") != std::string::npos; }

class Variants {
 public:
  explicit Variants(const VariantLimits& limits) : limits_(limits) {}

  void add_all(const BoundCall& call) {
    for (const DType dtype : limits_.dtypes) {
      const BoundCall typed = of_type(call, dtype);
      const double flops = call_work(typed.signature).flops;
      add(typed, limits_.whole_flops_max);
      if (flops > limits_.scaled_flops_max) continue;
      over_lists(call.signature) || call.signature.op.find("_fused_") != std::string::npos
          ? lists(typed)
          : factors(typed);
    }
  }
  std::vector<BoundCall> take() { return std::move(found_); }

 private:
  // Every 64-bit float becomes one of this type; so does the operator's word for it.
  static BoundCall of_type(const BoundCall& call, DType dtype) {
    BoundCall out = call;
    const auto change = [&](Geometry* g) {
      if (g->dtype == DType::kFloat64) g->dtype = dtype;
    };
    for (Arg* a : ops::tensor_operands(out.signature)) change(&a->geometry);
    for (Result* r : ops::fresh_results(out.signature)) change(&r->geometry);
    if (out.signature.op.ends_with("softmax_backward_data")) {
      out.signature.args.back().ints = {static_cast<int64_t>(dtype)};
    }
    return out;
  }

  void lists(const BoundCall& call) {
    const size_t length = list_length(call.signature);
    for (const size_t count : {1, 2, 4, 8, 16, 32}) {
      if (count >= length) break;
      const BoundCall some = shortened(call, count);
      for (const double times : {1.0, 0.0, 16.0}) add(lengthened(some, times));
    }
    for (const double times : {0.0, 0.25, 4.0, 64.0, 1024.0, 4096.0, 16384.0}) {
      add(lengthened(call, times));
    }
  }

  void factors(const BoundCall& call) {
    const auto rule = ops::sharding_rule(call.signature, call.words);
    if (!rule) return;
    const Scaling scaling(call, *rule);
    const Sizes& now = scaling.sizes();
    const auto times = [&](double factor, size_t only) {
      Sizes sizes = now;
      for (size_t f = 0; f < sizes.size(); ++f) {
        if (only != kAll && f != only) continue;
        sizes[f] = times_at_least_one(sizes[f], factor);
      }
      add(scaling.scaled(sizes));
    };
    for (const double factor : {0.0, 0.25, 0.5, 2.0, 4.0, 8.0, 16.0}) times(factor, kAll);
    for (size_t f = 0; f < now.size(); ++f) {
      for (const double factor : {0.0, 0.25, 0.5, 4.0, 32.0, 256.0}) times(factor, f);
    }
    const bool product = call_work(call.signature).kind == WorkKind::kProduct;
    if (product && now.size() <= kCrossedMax) cross(scaling, now, 0);
    if (product && now.size() > kCrossedMax) pairs(scaling, now);
  }
  void pairs(const Scaling& scaling, const Sizes& now) {
    for (size_t f = 0; f < now.size(); ++f) {
      for (size_t g = 0; g < f; ++g) {
        for (const auto& [of_f, of_g] : {std::pair{0.5, 0.5},
                                         {0.25, 0.5},
                                         {0.5, 0.25},
                                         {0.0, 0.5},
                                         {0.5, 0.0},
                                         {0.25, 0.25}}) {
          Sizes sizes = now;
          sizes[f] = times_at_least_one(sizes[f], of_f);
          sizes[g] = times_at_least_one(sizes[g], of_g);
          add(scaling.scaled(sizes));
        }
      }
    }
  }
  // All factors of a product apart from each other: its kernels differ by shape.
  void cross(const Scaling& scaling, const Sizes& sizes, size_t f) {
    if (f == sizes.size()) return add(scaling.scaled(sizes));
    for (const double factor : {0.0, 0.25, 0.5, 1.0, 4.0}) {
      Sizes next = sizes;
      next[f] = times_at_least_one(next[f], factor);
      cross(scaling, next, f + 1);
    }
  }

  // Of each operator over lists one call may be larger.
  bool is_small_enough(const BoundCall& call, double bytes) {
    if (bytes <= limits_.bytes_max) return true;
    if (!over_lists(call.signature) || bytes > limits_.list_bytes_max) return false;
    const auto operands = ops::tensor_operands(call.signature);
    return large_.emplace(call.signature.op + call.signature.overload, operands[0]->geometry.dtype)
        .second;
  }
  void add(const BoundCall& call) { add(call, limits_.flops_max); }
  void add(const BoundCall& call, double flops_max) {
    const CallWork work = call_work(call.signature);
    if (!is_small_enough(call, static_cast<double>(work.bytes_read + work.bytes_written))) return;
    if (work.flops > flops_max || !ops::is_encodable(call.signature)) return;
    if (!seen_.insert(ops::to_string(call.signature)).second) return;
    BoundCall& added = found_.emplace_back(call);
    const ops::Arity arity = ops::arity(call.signature);
    added.storages.resize(arity.operands + arity.fresh);
    std::iota(added.storages.begin(), added.storages.end(), uint64_t{1});
  }

  static constexpr size_t kAll = ~size_t{0};
  static constexpr size_t kCrossedMax = 4;
  const VariantLimits& limits_;
  std::set<std::string> seen_;
  std::set<std::pair<std::string, DType>> large_;
  std::vector<BoundCall> found_;
};

}  // namespace

std::vector<BoundCall> call_variants(std::span<const BoundCall> calls,
                                     const VariantLimits& limits) {
  Variants variants(limits);
  for (const BoundCall& call : calls) variants.add_all(call);
  return variants.take();
}

}  // namespace moai::compiler::cost
