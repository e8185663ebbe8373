// Holds the tables of pointwise operators to what libtorch's kernels do, on calls made from the
// schemas.
#include <ATen/core/dispatch/Dispatcher.h>

#include <iostream>
#include <set>

#include "moai/device/aten/conformance/numeric_testing.h"
#include "moai/device/aten/conformance/sharding/samples_testing.h"
#include "moai/ops/sharding/rows.h"

namespace moai::device::sharding {
namespace {

using torch::jit::Stack;

// A tensor of an argument: what gives it no other role than its place.
Tensor tensor_for(size_t index, at::ScalarType dtype) {
  const Sizes shape = index % 3 == 2 ? Sizes{3} : Sizes{4, 3};
  if (at::isIntegralType(dtype, true)) return at::randint(1, 4, shape).to(dtype);
  return at::randn(shape, at::kDouble).abs().add(0.1).to(dtype);
}

std::optional<IValue> value_for(const c10::Argument& argument, size_t index, at::ScalarType dtype) {
  const std::string type = argument.type()->annotation_str();
  const std::string& name = argument.name();
  const bool is_mask = name == "mask" || name == "condition";
  if (type == "Tensor") return IValue(tensor_for(index, is_mask ? at::kBool : dtype));
  if (argument.default_value() && name != "min" && name != "max") return *argument.default_value();
  if (type == "Optional[Tensor]") return IValue(tensor_for(index, dtype));
  if (type == "number" || type == "Optional[number]") return IValue(at::Scalar(2));
  if (type == "int") return IValue(int64_t{1});
  if (type == "float") return IValue(0.5);
  if (type == "bool") return IValue(false);
  if (type == "str") return IValue("floor");
  return std::nullopt;
}

// The call as a front records it, with the results that it has; nothing where it throws.
std::optional<Sample> sample_of(const c10::OperatorHandle& op, at::ScalarType dtype) {
  Stack stack;
  Recorder recorder;
  recorder.signature.op = op.schema().name();
  recorder.signature.overload = op.schema().overload_name();
  size_t index = 0;
  for (const c10::Argument& argument : op.schema().arguments()) {
    auto value = value_for(argument, index, dtype);
    if (!value) return std::nullopt;
    index += value->isTensor();
    recorder.signature.args.push_back(recorder.arg(*value, false));
    stack.push_back(std::move(*value));
  }
  try {
    op.callBoxed(stack);
  } catch (const std::exception&) {
    return std::nullopt;
  }
  for (const IValue& v : stack) {
    if (!v.isTensor()) return std::nullopt;
    recorder.signature.results.push_back(Recorder::result(v, {}));
  }
  return Sample{recorder.signature, recorder.operands, recorder.words};
}

std::vector<c10::OperatorHandle> functional(std::string_view row) {
  const size_t dot = row.find('.');
  std::vector<c10::OperatorHandle> found;
  for (const c10::OperatorName& name : c10::Dispatcher::singleton().getAllOpNames()) {
    if (name.name != row.substr(0, dot)) continue;
    if (dot != row.npos && name.overload_name != row.substr(dot + 1)) continue;
    const auto handle = c10::Dispatcher::singleton().findSchema(name);
    if (handle && !handle->schema().is_mutable()) found.push_back(*handle);
  }
  return found;
}

class ShardingPointwiseTest : public Validator {
 protected:
  void SetUp() override {
    Validator::SetUp();
    at::manual_seed(5);
  }

  // How many calls of the operator were compared.
  int check(std::string_view row) {
    int compared = 0;
    for (const c10::OperatorHandle& op : functional(row)) {
      for (const at::ScalarType dtype : {at::kDouble, at::kLong, at::kBool}) {
        const auto sample = sample_of(op, dtype);
        if (!sample || !outcome(*sample).error.empty()) continue;
        const auto rule = ops::sharding_rule(sample->signature, sample->words);
        if (!rule) {
          ADD_FAILURE() << ops::to_string(sample->signature) << " has no rule";
          continue;
        }
        ++compared;
        EXPECT_EQ(fault_of(*sample, *rule), "") << ops::to_string(sample->signature) << "\n"
                                                << ops::to_string(*rule);
      }
    }
    return compared;
  }
};

TEST_F(ShardingPointwiseTest, EveryOperatorIsWhatItsPiecesMake) {
  std::set<std::string> sampled;
  for (const SampleText& text : all_samples()) {
    sampled.insert(ops::sharding::row_name(sharding::sample_of(text).signature));
  }
  for (const auto& table :
       {ops::sharding::pointwise_operators(), ops::sharding::also_pointwise_operators()}) {
    for (const std::string_view row : table) {
      if (check(row) == 0 && !sampled.contains(std::string(row))) {
        ADD_FAILURE() << row << ": the test makes no call of it, and it has no sample";
      }
    }
  }
}

}  // namespace
}  // namespace moai::device::sharding
