// Holds the tables of ops/purity.h to what libtorch's kernels do.
#include "moai/ops/purity.h"

#include <ATen/Functions.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <c10/core/GradMode.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

namespace moai::device {
namespace {

using torch::jit::Stack;

// Values at the borders of what a type holds; all of them occur in a tensor of `shape`.
at::Tensor extremes(at::IntArrayRef shape, at::ScalarType dtype) {
  const double inf = std::numeric_limits<double>::infinity();
  const at::Tensor values =
      at::isIntegralType(dtype, true)
          ? at::tensor({0, 1, -1, 2, 127, -128, 63, 7}).to(dtype)
          : at::tensor({0.0, -0.0, 1.0, -1.0, inf, -inf, std::nan(""), 1e-40, 6e4, -3.7}).to(dtype);
  at::Tensor filled = at::empty(shape, dtype);
  const at::Tensor places = at::arange(filled.numel()).remainder(values.numel());
  return filled.copy_(values.index_select(0, places).view(shape));
}

at::Tensor ordinary(at::IntArrayRef shape, at::ScalarType dtype, int seed) {
  const at::Tensor ramp = at::arange(at::empty(shape).numel()).mul(seed + 3).remainder(29);
  return ramp.view(shape)
      .to(at::kDouble)
      .sub(11)
      .div(at::isIntegralType(dtype, true) ? 1 : 7)
      .to(dtype);
}

// A value for an argument, of its type and name; nothing where none is thought of.
std::optional<c10::IValue> value_for(const c10::Argument& argument, const at::Tensor& tensor) {
  const std::string& name = argument.name();
  const std::string type = argument.type()->annotation_str();
  const bool is_mask = name == "mask" || name == "condition";
  if (type == "Tensor") return is_mask ? tensor.gt(0) : tensor;
  if (type == "List[Tensor]") return c10::List<at::Tensor>({tensor, tensor});
  if (argument.default_value() && name != "min" && name != "max") return *argument.default_value();
  if (type == "Optional[Tensor]") return tensor;
  if (type == "number" || type == "Optional[number]") return at::Scalar(1);
  if (type == "int" || type == "Optional[int]") return int64_t{1};
  if (type == "float" || type == "Optional[float]") return 0.5;
  if (type == "bool") return name != "half_to_float";
  if (type == "List[int]" || type == "Optional[List[int]]") return c10::List<int64_t>({0});
  if (argument.type()->kind() == c10::TypeKind::OptionalType) return c10::IValue();
  return std::nullopt;
}

std::optional<Stack> arguments_for(const c10::FunctionSchema& schema,
                                   const std::vector<at::Tensor>& tensors) {
  Stack stack;
  size_t next = 0;
  for (const c10::Argument& argument : schema.arguments()) {
    if (argument.alias_info() && argument.alias_info()->isWrite()) return std::nullopt;
    auto value = value_for(argument, tensors[next % tensors.size()]);
    if (!value) return std::nullopt;
    if (value->isTensor()) ++next;
    stack.push_back(std::move(*value));
  }
  return stack;
}

// The overloads of an operator that write nothing.
std::vector<c10::OperatorHandle> functional(std::string_view op) {
  std::vector<c10::OperatorHandle> found;
  for (const c10::OperatorName& name : c10::Dispatcher::singleton().getAllOpNames()) {
    if (name.name != op) continue;
    const auto handle = c10::Dispatcher::singleton().findSchema(name);
    if (handle && !handle->schema().is_mutable()) found.push_back(*handle);
  }
  return found;
}

// Nothing where it throws.
std::optional<Stack> call(const c10::OperatorHandle& op, Stack stack) {
  const c10::AutoGradMode no_grad(false);
  try {
    op.callBoxed(stack);
  } catch (const c10::Error&) {
    return std::nullopt;
  }
  return stack;
}

bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() &&
         at::equal(a.contiguous().view(at::kByte), b.contiguous().view(at::kByte));
}

constexpr at::ScalarType kTypes[] = {at::kFloat, at::kDouble, at::kBFloat16, at::kHalf, at::kLong};

// Whether the result of `op` lies in its first operand with the same bits; nothing where the
// operator has no such call on these.
std::optional<bool> agrees(const c10::OperatorHandle& op, const ops::InPlaceRow& row,
                           const std::vector<at::Tensor>& tensors) {
  const auto arguments = arguments_for(op.schema(), tensors);
  if (!arguments || !(*arguments)[0].isTensor()) return std::nullopt;
  const at::Tensor first = (*arguments)[0].toTensor();
  const std::string& overload = op.schema().overload_name();
  const auto other = c10::Dispatcher::singleton().findSchema(
      row.out_overload.empty()
          ? c10::OperatorName{std::string(row.op) + "_", overload}
          : c10::OperatorName{std::string(row.op), std::string(row.out_overload)});
  const auto made = call(op, *arguments);
  if (!other || !made || !made->at(0).isTensor()) return std::nullopt;
  const at::Tensor result = made->at(0).toTensor();
  if (result.sizes() != first.sizes() || result.scalar_type() != first.scalar_type()) {
    return std::nullopt;
  }
  Stack written = *arguments;
  const at::Tensor memory = first.clone();
  written[0] = memory;
  if (!row.out_overload.empty()) written.emplace_back(memory);
  return call(*other, written) && same_bits(memory, result);
}

TEST(InPlaceRows, HaveTheBitsOfTheFunctionalForm) {
  for (const ops::InPlaceRow& row : ops::all_in_place_rows()) {
    int compared = 0;
    for (const c10::OperatorHandle& op : functional(row.op)) {
      for (const at::ScalarType dtype : kTypes) {
        // Of one kernel's block, and of many; the tail of a vector in both.
        for (const int64_t width : {7, 3001}) {
          const std::vector<at::Tensor> tensors = {ordinary({33, width}, dtype, 1),
                                                   ordinary({33, width}, dtype, 2),
                                                   ordinary({33, width}, dtype, 3)};
          const auto agreed = agrees(op, row, tensors);
          if (!agreed) continue;
          ++compared;
          EXPECT_TRUE(*agreed) << toString(op.operator_name()) << " of " << toString(dtype);
        }
      }
    }
    EXPECT_GE(compared, 4) << row.op << ": the test makes no call of it";
  }
}

TEST(TotalOperators, DoNotFailForValues) {
  std::set<std::string_view> tried;
  for (const std::string_view name : ops::all_total_operators()) {
    const size_t dot = name.find('.');
    for (const c10::OperatorHandle& op : functional(name.substr(0, dot))) {
      if (dot != name.npos && op.schema().overload_name() != name.substr(dot + 1)) continue;
      for (const at::ScalarType dtype : kTypes) {
        for (const std::vector<int64_t>& shape :
             {std::vector<int64_t>{40}, {16, 16}, {4, 16, 16}}) {
          const auto usual = arguments_for(op.schema(), {at::ones(shape, dtype)});
          if (!usual || !call(op, *usual)) continue;
          tried.insert(name);
          EXPECT_TRUE(call(op, *arguments_for(op.schema(), {extremes(shape, dtype)})))
              << toString(op.operator_name()) << " of " << toString(dtype);
        }
      }
    }
  }
  std::vector<std::string_view> untried;
  for (const std::string_view name : ops::all_total_operators()) {
    if (!tried.contains(name)) untried.push_back(name);
  }
  // Those that take weights of shapes of their own.
  EXPECT_EQ(untried,
            (std::vector<std::string_view>{"aten::convolution", "aten::mv",
                                           "aten::native_group_norm", "aten::native_layer_norm"}));
}

}  // namespace
}  // namespace moai::device
