// Holds a rule to what the operator does: splits every factor, runs the pieces, puts the results
// together and compares with the whole. For tests.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "moai/device/aten/call/calls_testing.h"
#include "moai/device/aten/conformance/sharding/indexed_testing.h"
#include "moai/device/aten/conformance/sharding/pieces_testing.h"
#include "moai/ops/sharding/rule_text.h"
#include "moai/ops/share.h"

namespace moai::device::sharding {

struct Sample {
  ops::CallSignature signature;
  std::vector<Tensor> operands;
  std::vector<uint64_t> words;
  // Of a piece: which part of the whole it has, by factor.
  std::map<size_t, ops::ShareDigit> parts{};
};

// Results in the order of a rule: fresh ones, then what was written. Undefined where a device has
// none. `error` where the call failed.
struct Outcome {
  std::string error;
  std::vector<Tensor> results;
};

class Validator : public CallTest {
 protected:
  // Samples have made-up masks, indices that repeat, and hold for what kernels leave undefined.
  void SetUp() override { MOAI_FOR_CPU_ALONE("rules are of operators, not of their kernels"); }

  // What is wrong with the rule of a sample; empty when nothing is.
  std::string fault_of(const Sample& sample, const ops::ShardingRule& rule) {
    const Outcome whole = outcome(sample);
    if (!whole.error.empty()) return "the whole call fails: " + whole.error;
    if (const std::string fault = shape_fault(sample, rule, whole); !fault.empty()) return fault;
    for (size_t f = 0; f < rule.factors.size(); ++f) {
      if (rule.factors[f].kind == ops::FactorKind::kFrozen) continue;
      for (const int64_t count : {2, 3}) {
        const std::string fault = split_fault(sample, rule, whole, f, count);
        if (!fault.empty()) return "factor " + std::to_string(f) + ", " + fault;
      }
      for (const ops::AccumulatingOperand& a : rule.accumulating) {
        const std::string fault = accumulated_fault(sample, rule, a.operand, f);
        if (!fault.empty()) return "factor " + std::to_string(f) + ", " + fault;
      }
    }
    for (const ops::LinearOperands& linear : rule.linear) {
      const std::string fault = linear_fault(sample, linear, whole);
      if (!fault.empty()) return fault;
    }
    return {};
  }

  // The same of a piece along one factor, split along another.
  std::string pair_fault_of(const Sample& sample, const ops::ShardingRule& rule) {
    for (size_t f = 0; f < rule.factors.size(); ++f) {
      const ops::RuleFactor& factor = rule.factors[f];
      if (!is_plain(factor) || factor.size < 2) continue;
      const int64_t length = factor.size - 1;
      const Sample part = piece(sample, rule, f, 1, length, length);
      ops::ShardingRule of_part = rule;
      of_part.factors[f].size = length;
      const Outcome whole = outcome(part);
      if (!whole.error.empty()) return "a piece fails: " + whole.error;
      for (size_t g = 0; g < rule.factors.size(); ++g) {
        if (g == f || rule.factors[g].kind == ops::FactorKind::kFrozen) continue;
        const std::string fault = split_fault(part, of_part, whole, g, 2);
        if (!fault.empty()) {
          return "factors " + std::to_string(f) + " and " + std::to_string(g) + ", " + fault;
        }
      }
    }
    return {};
  }

  // Frozen factors that could as well be split, as it seems by this sample.
  std::vector<size_t> too_frozen(const Sample& sample, const ops::ShardingRule& rule) {
    std::vector<size_t> found;
    const Outcome whole = outcome(sample);
    if (!whole.error.empty()) return found;
    for (size_t f = 0; f < rule.factors.size(); ++f) {
      if (rule.factors[f].kind != ops::FactorKind::kFrozen || rule.factors[f].size < 2) continue;
      ops::ShardingRule tried = rule;
      tried.factors[f].kind = ops::FactorKind::kParallel;
      bool splits = split_fault(sample, tried, whole, f, 2).empty();
      for (size_t r = 0; r < tried.results.size(); ++r) {
        if (!stands_in(f, tried.results[r]))
          tried.partial[r].push_back(static_cast<ops::FactorIndex>(f));
      }
      tried.factors[f].kind = ops::FactorKind::kReduced;
      splits |= split_fault(sample, tried, whole, f, 2).empty();
      if (splits) found.push_back(f);
    }
    return found;
  }

  Outcome outcome(const Sample& sample) {
    Outcome out;
    std::vector<Tensor> operands;
    for (const Tensor& t : sample.operands) {
      operands.push_back(t.clone(at::MemoryFormat::Contiguous));
    }
    auto call = device_->prepare(sample.signature);
    if (!call.ok()) return {.error = call.status().to_string(), .results = {}};
    auto values = (*call)->ask(pointers(operands), sample.words);
    take_back(operands);
    if (!values.ok()) return {.error = values.status().to_string(), .results = {}};
    for (size_t i = 0; i < sample.signature.results.size() && i < values->size(); ++i) {
      collect(sample.signature.results[i], (*values)[i], &out.results);
    }
    const std::vector<bool> written = ops::written_operands(sample.signature);
    for (size_t i = 0; i < written.size(); ++i) {
      if (written[i]) out.results.push_back(operands[i]);
    }
    return out;
  }

  // Whose results hold anything.
  static bool is_arbitrary(const Sample& sample) {
    return sample.signature.op.find("empty") != std::string::npos;
  }

 private:
  static bool is_plain(const ops::RuleFactor& factor) {
    return factor.kind == ops::FactorKind::kParallel || factor.kind == ops::FactorKind::kReduced;
  }

  static void collect(const ops::Result& result, const DynamicValue& value,
                      std::vector<Tensor>* out) {
    if (result.kind == ops::ResultKind::kFresh) {
      const bool has_tensor = value.kind == DynamicValue::Kind::kTensor;
      out->push_back(has_tensor ? tensor_of(value).clone() : Tensor());
    }
    for (size_t i = 0; i < result.items.size() && i < value.items.size(); ++i) {
      collect(result.items[i], value.items[i], out);
    }
  }

  std::string shape_fault(const Sample& sample, const ops::ShardingRule& rule,
                          const Outcome& whole) {
    if (rule.operands.size() != sample.operands.size()) return "operands are not counted right";
    if (rule.results.size() != whole.results.size()) return "results are not counted right";
    if (rule.partial.size() != rule.results.size()) return "partial results are not counted right";
    const Sizes sizes = factor_sizes(rule, rule.factors.size(), 0);
    for (size_t i = 0; i < rule.operands.size(); ++i) {
      if (shape_of(rule.operands[i], sizes) != sample.operands[i].sizes().vec()) {
        return "sizes of operand " + std::to_string(i);
      }
    }
    for (size_t i = 0; i < rule.results.size(); ++i) {
      if (!whole.results[i].defined()) continue;
      if (shape_of(rule.results[i], sizes) != whole.results[i].sizes().vec()) {
        return "sizes of result " + std::to_string(i);
      }
    }
    return {};
  }

  // ---- splitting

  std::string split_fault(const Sample& sample, const ops::ShardingRule& rule, const Outcome& whole,
                          size_t f, int64_t count) {
    const auto lengths = lengths_of(rule.factors[f].size, count);
    if (!lengths) return {};
    std::vector<Outcome> pieces;
    int64_t begin = 0;
    for (const int64_t length : *lengths) {
      auto piece = piece_outcome(sample, rule, f, begin, length);
      if (!piece.error.empty()) return "a piece fails: " + piece.error;
      if (piece.results.size() != whole.results.size()) return "a piece has other results";
      pieces.push_back(std::move(piece));
      begin += length;
    }
    for (size_t r = 0; r < rule.results.size(); ++r) {
      if (!whole.results[r].defined()) continue;
      std::vector<Tensor> parts;
      for (const Outcome& piece : pieces) parts.push_back(piece.results[r]);
      const std::string fault = result_fault(sample, rule, whole.results[r], parts, r, f, *lengths);
      if (!fault.empty())
        return std::to_string(count) + " pieces, result " + std::to_string(r) + fault;
    }
    return {};
  }

  static std::string result_fault(const Sample& sample, const ops::ShardingRule& rule,
                                  const Tensor& whole, const std::vector<Tensor>& parts, size_t r,
                                  size_t f, const Sizes& lengths) {
    for (size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].sizes().vec() != shape_of(rule.results[r], factor_sizes(rule, f, lengths[i]))) {
        return ": a piece has other sizes";
      }
    }
    if (is_arbitrary(sample)) return {};
    const bool is_partial = std::ranges::find(rule.partial[r], static_cast<ops::FactorIndex>(f)) !=
                            rule.partial[r].end();
    if (ops::draws(sample.signature)) {
      return put_together(parts, rule.results[r], rule, f, lengths).equal(whole)
                 ? ""
                 : " draws other numbers";
    }
    if (stands_in(f, rule.results[r])) {
      return are_close(put_together(parts, rule.results[r], rule, f, lengths), whole,
                       tolerance_of(sample.operands, tolerance_of({whole})))
                 ? ""
                 : " is not that of the pieces";
    }
    if (is_partial) {
      return are_close(combined(parts, rule.factors[f].reduction), whole,
                       tolerance_of(sample.operands, tolerance_of({whole})))
                 ? ""
                 : " is not their reduction";
    }
    for (const Tensor& part : parts) {
      if (!are_close(part, whole, tolerance_of(sample.operands, tolerance_of({whole}))))
        return " is not the same everywhere";
    }
    return {};
  }

  Outcome piece_outcome(const Sample& sample, const ops::ShardingRule& rule, size_t f,
                        int64_t begin, int64_t length) {
    const bool is_indexed = rule.factors[f].kind == ops::FactorKind::kIndexed;
    if (is_indexed) return indexed_outcome(sample, rule, f, begin, length);
    return outcome(piece(sample, rule, f, begin, length, length));
  }

  // `room` is the length of the factor in the call, at least `length`.
  static Sample piece(const Sample& sample, const ops::ShardingRule& rule, size_t f, int64_t begin,
                      int64_t length, int64_t room) {
    Sample local = sample;
    for (size_t i = 0; i < local.operands.size(); ++i) {
      local.operands[i] = piece_of(sample.operands[i], rule.operands[i], rule, f, begin, length);
      if (room > length && stands_in(f, rule.operands[i])) {
        local.operands[i] = with_room(local.operands[i], rule.operands[i], f, room - length);
      }
    }
    const Sizes sizes = factor_sizes(rule, f, room);
    size_t operand = 0, result = 0;
    for (ops::Arg& a : local.signature.args) set_geometry(&a, local.operands, &operand);
    for (ops::Result& r : local.signature.results) set_geometry(&r, rule, sizes, &result);
    local.parts[f] = {rule.factors[f].size, begin, length};
    set_share(rule, &local);
    for (const ops::SizeArgument& size : rule.sizes) {
      ops::Arg& a = local.signature.args[size.argument];
      int64_t value = 1;
      for (const ops::FactorIndex factor : size.factors) value *= sizes[factor];
      a.ints[size.item < 0 ? 0 : static_cast<size_t>(size.item)] = value;
    }
    return local;
  }

  static void set_share(const ops::ShardingRule& rule, Sample* local) {
    ops::CallSignature& s = local->signature;
    if (ops::share_argument(s)) s.args.pop_back();
    if (!ops::draws_by_element(s)) return;
    std::vector<ops::ShareDigit> digits;
    for (const auto& dim : rule.results[0]) {
      for (const ops::FactorIndex f : dim) {
        const int64_t size = rule.factors[f].size;
        const auto found = local->parts.find(f);
        digits.push_back(found == local->parts.end() ? ops::ShareDigit{size, 0, size}
                                                     : found->second);
      }
    }
    s.args.push_back(ops::of_share(digits));
  }

  // Of tables the indexed dimension is one factor.
  static Tensor with_room(const Tensor& t, const ops::FactorDims& dims, size_t f, int64_t more) {
    for (size_t d = 0; d < dims.size(); ++d) {
      if (dims[d].empty() || dims[d][0] != f) continue;
      return at::cat({t, t.narrow(static_cast<int64_t>(d), 0, more)}, static_cast<int64_t>(d));
    }
    return t;
  }

  static void set_geometry(ops::Arg* a, const std::vector<Tensor>& operands, size_t* next) {
    if (a->kind == ops::ArgKind::kTensor) {
      const uint8_t flags = a->geometry.flags;
      a->geometry = geometry_of(operands[(*next)++]);
      a->geometry.offset = 0;
      a->geometry.flags = flags;
    }
    for (ops::Arg& item : a->items) set_geometry(&item, operands, next);
  }
  static void set_geometry(ops::Result* r, const ops::ShardingRule& rule, const Sizes& sizes,
                           size_t* next) {
    if (r->kind == ops::ResultKind::kFresh) {
      r->geometry.sizes = shape_of(rule.results[(*next)++], sizes);
      r->geometry.strides = tensor::contiguous_strides(r->geometry.sizes);
    }
    for (ops::Result& item : r->items) set_geometry(&item, rule, sizes, next);
  }

  Outcome indexed_outcome(const Sample& sample, const ops::ShardingRule& rule, size_t f,
                          int64_t begin, int64_t length) {
    const auto indexed =
        ops::indexed_form(sample.signature, rule, static_cast<ops::FactorIndex>(f));
    if (!indexed) return {.error = "no local form is known", .results = {}};
    const bool dumps = indexed->outside == ops::Outside::kDump;
    Sample local = piece(sample, rule, f, begin, length, length + (dumps ? 1 : 0));
    Tensor& pointers = local.operands[indexed->pointers];
    Tensor inside = pointers.ge(begin).logical_and(pointers.lt(begin + length));
    int64_t elsewhere = dumps ? length : 0;
    if (indexed->ignored) {
      int64_t& ignored = local.signature.args[*indexed->ignored].ints[0];
      inside = inside.logical_and(pointers.ne(ignored));
      ignored = elsewhere = kNowhere;
    }
    if (indexed->position) move_position(&local, *indexed->position, begin, length);
    pointers = at::where(inside, pointers - begin, at::full_like(pointers, elsewhere));
    Outcome out = outcome(local);
    for (size_t r = 0; r < out.results.size(); ++r) {
      if (dumps && stands_in(f, rule.results[r])) {
        out.results[r] = without_room(out.results[r], rule.results[r], f, length);
      } else if (indexed->outside == ops::Outside::kZeros) {
        const Tensor mask = broadcast_to(inside, rule.operands[indexed->pointers], rule.results[r]);
        out.results[r] = out.results[r].mul(mask);
      }
    }
    return out;
  }

  static constexpr int64_t kNowhere = -100;

  static void move_position(Sample* local, size_t argument, int64_t begin, int64_t length) {
    int64_t& position = local->signature.args[argument].ints[0];
    position = position >= begin && position < begin + length ? position - begin : -1;
  }
  static Tensor without_room(const Tensor& t, const ops::FactorDims& dims, size_t f,
                             int64_t length) {
    for (size_t d = 0; d < dims.size(); ++d) {
      if (!dims[d].empty() && dims[d][0] == f) return t.narrow(static_cast<int64_t>(d), 0, length);
    }
    return t;
  }

  // ---- partial operands

  // Each piece finds its own share in the operand: it leaves its share of what the whole call does.
  std::string accumulated_fault(const Sample& sample, const ops::ShardingRule& rule,
                                uint16_t operand, size_t f) {
    const auto lengths = lengths_of(rule.factors[f].size, 2);
    if (!lengths || rule.factors[f].kind != ops::FactorKind::kReduced) return {};
    Sample whole = sample;
    std::vector<Tensor> shares;
    for (size_t i = 0; i < lengths->size(); ++i) {
      shares.push_back(sample.operands[operand].div(static_cast<double>(1 + i)));
    }
    whole.operands[operand] = combined(shares, rule.factors[f].reduction);
    const Outcome expected = outcome(whole);
    if (!expected.error.empty()) return "the whole call fails: " + expected.error;
    std::vector<Outcome> pieces;
    int64_t begin = 0;
    for (size_t i = 0; i < lengths->size(); ++i) {
      Sample local = sample;
      local.operands[operand] = shares[i];
      pieces.push_back(piece_outcome(local, rule, f, begin, (*lengths)[i]));
      begin += (*lengths)[i];
    }
    for (size_t r = 0; r < rule.results.size(); ++r) {
      std::vector<Tensor> parts;
      for (const Outcome& piece : pieces) parts.push_back(piece.results[r]);
      const std::string fault =
          result_fault(sample, rule, expected.results[r], parts, r, f, *lengths);
      if (!fault.empty()) return "into operand " + std::to_string(operand) + fault;
    }
    return {};
  }

  std::string linear_fault(const Sample& sample, const ops::LinearOperands& linear,
                           const Outcome& whole_shape) {
    if (is_arbitrary(sample)) return {};
    constexpr size_t kRanks = 3;
    std::vector<Sample> parts(kRanks, sample);
    Sample whole = sample;
    for (const uint16_t operand : linear.operands) {
      std::vector<Tensor> shares;
      for (size_t rank = 0; rank < kRanks; ++rank) {
        Tensor share = sample.operands[operand]
                           .roll(static_cast<int64_t>(rank))
                           .mul(static_cast<int64_t>(rank) + 1);
        if (linear.reduction == ops::Reduction::kNorm2) share = share.abs();
        parts[rank].operands[operand] = share.to(sample.operands[operand].scalar_type());
        shares.push_back(parts[rank].operands[operand]);
      }
      whole.operands[operand] = combined(shares, linear.reduction);
    }
    const Outcome expected = outcome(whole);
    if (!expected.error.empty()) return "linear: " + expected.error;
    const double tolerance = tolerance_of(sample.operands, tolerance_of(expected.results));
    for (size_t r = 0; r < expected.results.size(); ++r) {
      if (!expected.results[r].defined() || !whole_shape.results[r].defined()) continue;
      std::vector<Tensor> shares;
      for (const Sample& part : parts) shares.push_back(outcome(part).results[r]);
      if (!are_close(combined(shares, linear.reduction), expected.results[r], tolerance)) {
        return "linear operands " + std::to_string(linear.operands[0]) + "…, reduction " +
               std::to_string(static_cast<int>(linear.reduction)) + ", result " + std::to_string(r);
      }
    }
    return {};
  }
};

}  // namespace moai::device::sharding
