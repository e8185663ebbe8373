#include "moai/compiler/lower/indexed_call.h"

#include <algorithm>

#include "moai/ops/call_build.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler {
namespace {

using graph::StorageId;
using ops::of_int;
using ops::of_tensor;
using tensor::Geometry;

}  // namespace

std::vector<StorageId> IndexedCall::run() {
  point_into_part();
  set_arguments();
  emit_(call_);
  if (form_.outside == ops::Outside::kZeros) zero_outside();
  return temporary_;
}

Geometry IndexedCall::like(const Geometry& g, tensor::DType dtype) const {
  return {.dtype = dtype, .sizes = g.sizes, .strides = tensor::contiguous_strides(g.sizes)};
}

StorageId IndexedCall::make(std::string_view op, std::string_view overload,
                            std::vector<ops::Arg> args, std::vector<StorageId> operands,
                            const Geometry& result) {
  const StorageId made = make_storage_();
  temporary_.push_back(made);
  operands.push_back(made);
  emit_({.signature = {.op = std::string(op),
                       .overload = std::string(overload),
                       .args = std::move(args),
                       .results = {{.kind = ops::ResultKind::kFresh, .geometry = result}}},
         .storages = std::move(operands)});
  return made;
}

void IndexedCall::point_into_part() {
  ops::Arg& operand = *ops::tensor_operands(call_.signature)[form_.pointers];
  StorageId whole = call_.storages[form_.pointers];
  pointers_ = like(operand.geometry, operand.geometry.dtype);
  const Geometry flags = like(operand.geometry, tensor::DType::kBool);
  Geometry recorded = operand.geometry;
  if (form_.from_the_end) {
    const int64_t size = rule_.factors[part_.factor].size;
    whole =
        make("aten::remainder", "Scalar", {of_tensor(recorded), of_int(size)}, {whole}, pointers_);
    recorded = pointers_;
  }
  const StorageId moved =
      make("aten::sub", "Scalar", {of_tensor(recorded), of_int(part_.begin), of_int(1)}, {whole},
           pointers_);
  const StorageId below =
      make("aten::lt", "Scalar", {of_tensor(pointers_), of_int(0)}, {moved}, flags);
  const StorageId above =
      make("aten::ge", "Scalar", {of_tensor(pointers_), of_int(part_.length)}, {moved}, flags);
  outside_ =
      make("aten::logical_or", "", {of_tensor(flags), of_tensor(flags)}, {below, above}, flags);
  StorageId local = 0;
  if (form_.outside == ops::Outside::kZeros) {
    local = make("aten::clamp", "", {of_tensor(pointers_), of_int(0), of_int(part_.length - 1)},
                 {moved}, pointers_);
  } else {
    const int64_t elsewhere =
        form_.outside == ops::Outside::kDump ? part_.length : ignore_in_part();
    local = make("aten::masked_fill", "Scalar",
                 {of_tensor(pointers_), of_tensor(flags), of_int(elsewhere)}, {moved, outside_},
                 pointers_);
  }
  operand.geometry = pointers_;
  call_.storages[form_.pointers] = local;
}

// The pointer that the operator ignores, where it may be a position of the table.
int64_t IndexedCall::ignore_in_part() {
  constexpr int64_t kNowhere = -100;
  int64_t& ignored = call_.signature.args[*form_.ignored].ints[0];
  const int64_t local = ignored - part_.begin;
  ignored = local >= 0 && local < part_.length ? local : kNowhere;
  return ignored;
}

void IndexedCall::set_arguments() {
  if (form_.position) {
    int64_t& at = call_.signature.args[*form_.position].ints[0];
    const bool within = at >= part_.begin && at < part_.begin + part_.length;
    at = within ? at - part_.begin : -1;
  }
  if (form_.outside != ops::Outside::kDump) return;
  for (const ops::SizeArgument& size : rule_.sizes) {
    if (size.factors != std::vector{part_.factor}) continue;
    ++call_.signature.args[size.argument].ints[size.item < 0 ? 0 : static_cast<size_t>(size.item)];
  }
  ++ops::fresh_results(call_.signature)[0]->geometry.sizes[0];
}

// What was read at a pointer outside.
void IndexedCall::zero_outside() {
  const Geometry& result = ops::fresh_results(call_.signature)[0]->geometry;
  Geometry flags{.dtype = tensor::DType::kBool,
                 .sizes = std::vector<int64_t>(result.sizes.size(), 1),
                 .strides = std::vector<int64_t>(result.sizes.size(), 1)};
  const ops::FactorDims& of_pointers = rule_.operands[form_.pointers];
  for (size_t d = 0; d < result.sizes.size(); ++d) {
    const auto at = std::ranges::find(of_pointers, rule_.results[0][d]);
    if (rule_.results[0][d].empty() || at == of_pointers.end()) continue;
    const auto e = static_cast<size_t>(at - of_pointers.begin());
    flags.sizes[d] = pointers_.sizes[e];
    flags.strides[d] = pointers_.strides[e];
  }
  emit_({.signature = {.op = "aten::masked_fill_",
                       .overload = "Scalar",
                       .args = {of_tensor(result, true), of_tensor(flags), of_int(0)},
                       .results = {{.kind = ops::ResultKind::kIgnored}}},
         .storages = {call_.storages.back(), outside_}});
}

}  // namespace moai::compiler
