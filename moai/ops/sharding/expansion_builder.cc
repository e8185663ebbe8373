#include "moai/ops/sharding/expansion_builder.h"

#include <utility>

namespace moai::ops::sharding {
namespace {

Arity arity_of(const Arg& a) {
  CallSignature alone;
  alone.args = {a};
  return arity(alone);
}

}  // namespace

bool is_tensor(const CallSignature& s, size_t i) {
  return i < s.args.size() && s.args[i].kind == ArgKind::kTensor;
}

int64_t int_at(const CallSignature& s, size_t i) {
  return i < s.args.size() && s.args[i].ints.size() == 1 ? s.args[i].ints[0] : -1;
}

bool is_half(tensor::DType dtype) {
  return dtype == tensor::DType::kFloat16 || dtype == tensor::DType::kBFloat16;
}

tensor::Geometry contiguous(const tensor::Geometry& g) {
  return {.dtype = g.dtype, .sizes = g.sizes, .strides = tensor::contiguous_strides(g.sizes)};
}

ExpansionBuilder::ExpansionBuilder(const CallSignature& s) : s_(s) {
  Arity before;
  for (const Arg& a : s.args) {
    operands_before_.push_back(before.operands);
    words_before_.push_back(before.words);
    const Arity n = arity_of(a);
    before.operands += n.operands;
    before.words += n.words;
  }
}

Value ExpansionBuilder::operand(size_t argument) const {
  return {s_.args[argument], {.is_made = false, .index = operands_before_[argument]}};
}

Value ExpansionBuilder::viewed(Value value, tensor::Geometry geometry) {
  value.arg.geometry = std::move(geometry);
  return value;
}

void ExpansionBuilder::add(const Input& input, Expansion::Step* step) const {
  if (const auto* value = std::get_if<Value>(&input)) {
    step->signature.args.push_back(value->arg);
    step->operands.push_back(value->source);
  } else if (const auto* constant = std::get_if<Arg>(&input)) {
    step->signature.args.push_back(*constant);
  } else {
    const size_t index = std::get<Argument>(input).index;
    const Arity n = arity_of(s_.args[index]);
    step->signature.args.push_back(s_.args[index]);
    for (uint32_t i = 0; i < n.operands; ++i) {
      step->operands.push_back({.is_made = false, .index = operands_before_[index] + i});
    }
    for (uint32_t i = 0; i < n.words; ++i) step->words.push_back(words_before_[index] + i);
  }
}

std::vector<Value> ExpansionBuilder::calls(const std::string& op, const std::string& overload,
                                           const std::vector<Input>& inputs,
                                           const std::vector<tensor::Geometry>& results) {
  Expansion::Step step;
  step.signature.op = op;
  step.signature.overload = overload;
  for (const Input& input : inputs) add(input, &step);
  std::vector<Value> made;
  for (const tensor::Geometry& g : results) {
    step.signature.results.push_back({.kind = ResultKind::kFresh, .geometry = g});
    made.push_back(
        {{.kind = ArgKind::kTensor, .geometry = g}, {.is_made = true, .index = made_++}});
  }
  out_.steps.push_back(std::move(step));
  return made;
}

Value ExpansionBuilder::call(const std::string& op, const std::string& overload,
                             const std::vector<Input>& inputs, const tensor::Geometry& result) {
  return calls(op, overload, inputs, {result})[0];
}

void ExpansionBuilder::write(const std::string& op, const std::string& overload,
                             std::vector<Input> inputs) {
  calls(op, overload, inputs, {});
  CallSignature& made = out_.steps.back().signature;
  made.args[0].written = true;
  made.results = {Result{}};
}

Expansion ExpansionBuilder::finish(const std::vector<Value>& results) {
  for (const Value& value : results) out_.results.push_back(value.source.index);
  return std::move(out_);
}

}  // namespace moai::ops::sharding
