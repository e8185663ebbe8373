#include "moai/ops/sharding/form.h"

#include <bit>

#include "moai/ops/list_call.h"

namespace moai::ops::sharding {
namespace {

using tensor::DType;

constexpr std::string_view kForeach = "aten::_foreach_";

// "add_" is in place, "__iand__" has its own name.
std::string without_mark(std::string_view op) {
  const bool marked = op.ends_with('_') && !op.ends_with("__");
  return std::string(op.substr(0, op.size() - (marked ? 1 : 0)));
}

const Arg* only_item(const Arg& a) {
  if (a.kind != ArgKind::kList || a.items.size() != 1) return nullptr;
  return a.items.data();
}

bool has_several_items(const Arg& a) { return a.kind == ArgKind::kList && a.items.size() > 1; }

void add_args(const CallSignature& s, Form* form) {
  Arity before;
  for (const Arg& a : s.args) {
    const Arg* item = form->over_lists ? only_item(a) : nullptr;
    form->args.push_back(item ? item : &a);
    form->operands_before.push_back(before.operands);
    form->words_before.push_back(before.words);
    CallSignature alone;
    alone.args = {a};
    const Arity n = arity(alone);
    before.operands += n.operands;
    before.words += n.words;
  }
}

void add_results(const CallSignature& s, Form* form) {
  for (const Result& r : s.results) {
    const bool unwrap = form->over_lists && r.kind == ResultKind::kList && r.items.size() == 1;
    form->results.push_back(unwrap ? r.items.data() : &r);
  }
}

std::optional<double> host_number(DType dtype, uint64_t bits) {
  if (dtype == DType::kFloat64) return std::bit_cast<double>(bits);
  if (dtype == DType::kFloat32) return std::bit_cast<float>(static_cast<uint32_t>(bits));
  if (dtype == DType::kInt64) return static_cast<double>(static_cast<int64_t>(bits));
  return std::nullopt;
}

}  // namespace

bool Form::is_tensor(size_t i) const { return arg(i) && arg(i)->kind == ArgKind::kTensor; }

std::span<const int64_t> Form::sizes(size_t i) const {
  if (!is_tensor(i)) return {};
  return args[i]->geometry.sizes;
}

std::optional<int64_t> Form::integer(size_t i) const {
  const Arg* a = arg(i);
  if (!a || a->ints.size() != 1) return std::nullopt;
  return a->ints[0];
}

std::vector<int64_t> Form::integers(size_t i) const {
  const Arg* a = arg(i);
  if (!a || (a->kind != ArgKind::kInt && a->kind != ArgKind::kIntList)) return {};
  return a->ints;
}

std::optional<size_t> Form::dimension(size_t i, size_t of) const {
  const Arg* a = arg(i);
  if (!a || (a->kind != ArgKind::kInt && a->kind != ArgKind::kIntList)) return std::nullopt;
  if (a->ints.size() != 1) return std::nullopt;
  const auto rank_of = static_cast<int64_t>(rank(of));
  const int64_t dim = a->ints[0] < 0 ? a->ints[0] + rank_of : a->ints[0];
  if (dim < 0 || dim >= rank_of) return std::nullopt;
  return static_cast<size_t>(dim);
}

std::optional<double> Form::number(size_t i) const {
  const Arg* a = arg(i);
  if (!a) return std::nullopt;
  if (a->kind == ArgKind::kInt && !a->ints.empty()) return static_cast<double>(a->ints[0]);
  if (a->kind == ArgKind::kDouble && !a->doubles.empty()) return a->doubles[0];
  if (words_before[i] >= words.size()) return std::nullopt;
  const uint64_t bits = words[words_before[i]];
  std::optional<double> value;
  if (a->kind == ArgKind::kDoubleWord) value = std::bit_cast<double>(bits);
  if (a->kind == ArgKind::kIntWord) value = static_cast<double>(static_cast<int64_t>(bits));
  if (a->kind == ArgKind::kHostScalar) value = host_number(a->geometry.dtype, bits);
  if (value) words_read.push_back(words_before[i]);
  return value;
}

std::optional<Form> form_of(const CallSignature& s, std::span<const uint64_t> words) {
  Form form;
  form.over_lists = is_list_call(s);
  form.overload = s.overload;
  form.words = words;
  form.base = without_mark(s.op);
  for (const Arg& a : s.args) {
    if (form.over_lists && has_several_items(a)) return std::nullopt;
  }
  if (form.base.starts_with(kForeach)) {
    form.base = "aten::" + form.base.substr(kForeach.size());
  }
  add_args(s, &form);
  add_results(s, &form);
  return form;
}

}  // namespace moai::ops::sharding
