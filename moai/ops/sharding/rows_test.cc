// What holds for the rule of any call, tried on recorded calls and on those with one thing changed.
#include "moai/ops/sharding/rows.h"

#include <gtest/gtest.h>

#include <fstream>

#include "moai/ops/list_call.h"
#include "moai/ops/sharding/expansion.h"
#include "moai/ops/sharding/indexed.h"
#include "moai/ops/sharding/rule_text.h"

namespace moai::ops {
namespace {

using Sizes = std::vector<int64_t>;

void add_sizes(const Arg& a, bool only_written, std::vector<Sizes>* out) {
  if (a.kind == ArgKind::kTensor && (a.written || !only_written)) {
    out->push_back(a.geometry.sizes);
  }
  for (const Arg& item : a.items) add_sizes(item, only_written, out);
}
void add_sizes(const Result& r, std::vector<Sizes>* out) {
  if (r.kind == ResultKind::kFresh) out->push_back(r.geometry.sizes);
  for (const Result& item : r.items) add_sizes(item, out);
}

int64_t product(const ShardingRule& rule, const std::vector<FactorIndex>& factors) {
  int64_t size = 1;
  for (const FactorIndex f : factors) size *= f < rule.factors.size() ? rule.factors[f].size : -1;
  return size;
}

Sizes sizes_of(const ShardingRule& rule, const FactorDims& dims) {
  Sizes sizes;
  for (const auto& dim : dims) sizes.push_back(product(rule, dim));
  return sizes;
}

// What is wrong with the rule as one of this call; empty when nothing is.
std::string malformed(const CallSignature& s, const ShardingRule& rule) {
  std::vector<Sizes> operands, results;
  for (const Arg& a : s.args) add_sizes(a, false, &operands);
  for (const Result& r : s.results) add_sizes(r, &results);
  for (const Arg& a : s.args) add_sizes(a, true, &results);
  if (rule.operands.size() != operands.size()) return "operands";
  if (rule.results.size() != results.size()) return "results";
  if (rule.partial.size() != results.size()) return "partial";
  for (size_t i = 0; i < operands.size(); ++i) {
    if (sizes_of(rule, rule.operands[i]) != operands[i]) return "an operand's sizes";
  }
  for (size_t i = 0; i < results.size(); ++i) {
    if (sizes_of(rule, rule.results[i]) != results[i]) return "a result's sizes";
  }
  for (const SizeArgument& size : rule.sizes) {
    if (size.argument >= s.args.size()) return "a size's argument";
    const size_t item = size.item < 0 ? 0 : static_cast<size_t>(size.item);
    if (item >= s.args[size.argument].ints.size()) return "a size's item";
    if (s.args[size.argument].ints[item] != product(rule, size.factors)) return "a size";
  }
  for (const LinearOperands& linear : rule.linear) {
    for (const uint16_t operand : linear.operands) {
      if (operand >= operands.size()) return "a linear operand";
    }
  }
  for (const RuleFactor& factor : rule.factors) {
    if (factor.size == 1 || factor.size < 0) return "a factor's size";
  }
  return {};
}

std::string malformed(const CallSignature& s, const Expansion& expansion) {
  const Arity whole = arity(s);
  uint32_t made = 0;
  for (const Expansion::Step& step : expansion.steps) {
    const Arity n = arity(step.signature);
    if (step.operands.size() != n.operands || step.words.size() != n.words) return "a step";
    for (const auto& source : step.operands) {
      if (source.index >= (source.is_made ? made : whole.operands)) return "an operand";
    }
    for (const uint32_t word : step.words) {
      if (word >= whole.words) return "a word";
    }
    if (!is_encodable(step.signature)) return "a signature";
    made += n.fresh;
  }
  for (const uint32_t result : expansion.results) {
    if (result >= made) return "a result";
  }
  return expansion.results.size() == whole.fresh ? "" : "results";
}

void check(const CallSignature& s) {
  if (!is_encodable(s)) return;
  if (const auto rule = sharding_rule(s)) {
    EXPECT_EQ(malformed(s, *rule), "") << to_string(s) << "\n" << to_string(*rule);
    for (FactorIndex f = 0; f < rule->factors.size(); ++f) {
      const auto form = indexed_form(s, *rule, f);
      EXPECT_TRUE(!form || form->pointers < rule->operands.size()) << to_string(s);
    }
  }
  const auto expansion = expand(s);
  EXPECT_EQ(expansion ? malformed(s, *expansion) : "", "") << to_string(s);
}

// Parts of lists and the whole.
std::vector<CallSignature> calls_of(const CallSignature& s) {
  std::vector<CallSignature> all = {s};
  if (const auto parts = split_list_call(s)) {
    for (const ListCallPart& part : *parts) all.push_back(part.signature);
  }
  return all;
}

std::vector<CallSignature> recorded() {
  std::ifstream file(MOAI_RECORDED_CALLS);
  std::vector<CallSignature> all;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    if (const auto s = call_signature_from_string(line)) all.push_back(*s);
  }
  return all;
}

// One thing changed in a tensor, an int or the kind of an argument.
std::vector<Arg> changed(const Arg& a) {
  std::vector<Arg> all = {Arg{}, Arg{.kind = ArgKind::kUndefined}};
  for (const int64_t value : {-9, -1, 0, 1, 99}) {
    all.push_back({.kind = ArgKind::kInt, .ints = {value}});
    all.push_back({.kind = ArgKind::kIntList, .ints = {value, value}});
    for (size_t i = 0; i < a.ints.size(); ++i) {
      all.push_back(a);
      all.back().ints[i] = value;
    }
    if (value < 0) continue;
    for (size_t d = 0; d < a.geometry.sizes.size(); ++d) {
      all.push_back(a);
      all.back().geometry.sizes[d] = value;
    }
  }
  if (a.kind == ArgKind::kTensor && !a.geometry.sizes.empty()) {
    all.push_back(a);
    all.back().geometry.sizes.pop_back();
    all.back().geometry.strides.pop_back();
  }
  for (size_t i = 0; i < a.items.size(); ++i) {
    for (const Arg& item : changed(a.items[i])) {
      all.push_back(a);
      all.back().items[i] = item;
    }
  }
  return all;
}

TEST(Rows, RulesOfRecordedCallsAreWellFormed) {
  const auto all = recorded();
  EXPECT_GT(all.size(), 500u);
  for (const CallSignature& s : all) {
    for (const CallSignature& call : calls_of(s)) check(call);
  }
}

TEST(Rows, ACallThatIsNoneOfItsOperatorHasNoRuleOrAWellFormedOne) {
  for (const CallSignature& s : recorded()) {
    for (size_t i = 0; i < s.args.size(); ++i) {
      for (const Arg& a : changed(s.args[i])) {
        CallSignature other = s;
        other.args[i] = a;
        check(other);
      }
      CallSignature shorter = s;
      shorter.args.erase(shorter.args.begin() + static_cast<ptrdiff_t>(i));
      check(shorter);
    }
    for (size_t i = 0; i < s.results.size(); ++i) {
      CallSignature other = s;
      other.results[i].geometry.sizes.clear();
      other.results[i].geometry.strides.clear();
      check(other);
    }
  }
}

}  // namespace
}  // namespace moai::ops
