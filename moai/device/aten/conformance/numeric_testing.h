// Runs a call through a Device and directly on the CPU, and expects equal bits where both are. For
// tests.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include "moai/device/aten/call/calls_testing.h"
#include "moai/ops/facts.h"

namespace moai::device {

using at::Tensor;
using c10::IValue;

struct Row {
  const char* op;
  const char* overload;
  std::vector<IValue> arguments;
};

// Turns arguments into a signature as a front does, with the operands and words of the call.
struct Recorder {
  ops::CallSignature signature;
  std::vector<Tensor> operands;
  std::vector<uint64_t> words;
  std::vector<Tensor> written;

  ops::Arg arg(const IValue& v, bool is_written) {
    if (v.isTensor()) return tensor(v.toTensor(), is_written);
    if (v.isNone()) return {.kind = ops::ArgKind::kNone};
    if (v.isBool()) return {.kind = ops::ArgKind::kBool, .ints = {v.toBool()}};
    if (v.isInt()) return {.kind = ops::ArgKind::kInt, .ints = {v.toInt()}};
    if (v.isDouble()) {
      words.push_back(std::bit_cast<uint64_t>(v.toDouble()));
      return {.kind = ops::ArgKind::kDoubleWord};
    }
    if (v.isDevice()) return {.kind = ops::ArgKind::kDevice};
    if (v.isString()) return {.kind = ops::ArgKind::kString, .text = v.toStringRef()};
    if (v.isIntList()) return {.kind = ops::ArgKind::kIntList, .ints = v.toIntVector()};
    if (v.isBoolList()) {
      ops::Arg a{.kind = ops::ArgKind::kBoolList};
      for (const bool b : v.toBoolList()) a.ints.push_back(b);
      return a;
    }
    ops::Arg list{.kind = ops::ArgKind::kList};
    for (const IValue& item : v.toListRef()) list.items.push_back(arg(item, is_written));
    return list;
  }
  ops::Arg tensor(const Tensor& t, bool is_written) {
    if (!t.defined()) return {.kind = ops::ArgKind::kUndefined};
    operands.push_back(t);
    if (is_written) written.push_back(t);
    return {.kind = ops::ArgKind::kTensor, .written = is_written, .geometry = geometry_of(t)};
  }
  static ops::Result result(const IValue& v, const std::vector<Tensor>& operands) {
    if (!v.isTensor() || !v.toTensor().defined()) return {};
    for (const Tensor& operand : operands) {
      if (operand.is_same(v.toTensor())) return {};
    }
    tensor::Geometry g = geometry_of(v.toTensor());
    g.offset = 0;
    return {.kind = ops::ResultKind::kFresh, .geometry = g};
  }
};

inline Tensor r(at::IntArrayRef sizes) { return at::randn(sizes, at::kFloat); }
inline Tensor longs(const std::vector<int64_t>& values, at::IntArrayRef sizes) {
  return at::tensor(values, at::kLong).view(sizes);
}
inline std::vector<int64_t> ints(std::initializer_list<int64_t> v) { return v; }

class NumericTest : public CallTest {
 protected:
  // Copies what operators write, so that both sides start from the same.
  static IValue copy_of(const IValue& v) {
    if (v.isTensor() && v.toTensor().defined()) {
      const Tensor& t = v.toTensor();
      Tensor copy = at::empty_strided(t.sizes(), t.strides(), t.options());
      copy.copy_(t);
      return copy;
    }
    if (!v.isTensorList()) return v;
    std::vector<Tensor> all;
    for (const Tensor& t : v.toTensorVector()) all.push_back(t.clone());
    return all;
  }

  static std::vector<Tensor> tensors_in(const IValue& v) {
    if (v.isTensor()) return {v.toTensor()};
    return v.toTensorVector();
  }

  void check(const Row& row) {
    SCOPED_TRACE(std::string(row.op) + "." + row.overload);
    const auto op = c10::Dispatcher::singleton().findSchemaOrThrow(row.op, row.overload);
    Recorder recorder;
    recorder.signature = {.op = row.op, .overload = row.overload};
    torch::jit::Stack direct;
    std::vector<Tensor> written;
    for (size_t i = 0; i < row.arguments.size(); ++i) {
      const auto* alias = op.schema().arguments()[i].alias_info();
      const bool writes = alias && alias->isWrite();
      direct.push_back(copy_of(row.arguments[i]));
      if (writes) {
        for (const Tensor& t : tensors_in(direct.back())) written.push_back(t);
      }
      recorder.signature.args.push_back(recorder.arg(copy_of(row.arguments[i]), writes));
    }
    op.callBoxed(&direct);
    predict(direct, written, &recorder.signature);
    compare(direct, recorder);
    ASSERT_EQ(recorder.written.size(), written.size());
    for (size_t i = 0; i < written.size(); ++i) {
      EXPECT_TRUE(same_values(recorder.written[i], written[i], narrowest(recorder)));
    }
  }

  static void predict(const torch::jit::Stack& results, const std::vector<Tensor>& written,
                      ops::CallSignature* signature) {
    const ops::OpFacts* facts = ops::op_facts(signature->op, signature->overload);
    for (const IValue& v : results) {
      ops::Result result = Recorder::result(v, written);
      result.auxiliary = facts && (facts->auxiliary >> signature->results.size() & 1);
      if (v.isTensorList()) {
        result.kind = ops::ResultKind::kList;
        for (const Tensor& t : v.toTensorVector()) {
          result.items.push_back(Recorder::result(t, {}));
        }
      }
      signature->results.push_back(std::move(result));
    }
  }

  // The type with the least precision of what a call is given: results are no better.
  static at::ScalarType narrowest(const Recorder& recorder) {
    for (const Tensor& t : recorder.operands) {
      if (t.scalar_type() == at::kHalf || t.scalar_type() == at::kBFloat16) return t.scalar_type();
    }
    return at::kDouble;
  }

  void compare(const torch::jit::Stack& direct, const Recorder& recorder) {
    const auto got = run(ops::to_string(recorder.signature), recorder.operands, recorder.words);
    ASSERT_EQ(status_, ok_status()) << status_.to_string();
    size_t next = 0;
    const auto expect_same = [&](const Tensor& wanted) {
      ASSERT_LT(next, got.size());
      EXPECT_TRUE(same_values(got[next], wanted, narrowest(recorder)))
          << "result " << next << ": " << got[next] << " in place of " << wanted;
      EXPECT_EQ(got[next].strides(), wanted.strides());
      ++next;
    };
    for (size_t i = 0; i < direct.size(); ++i) {
      const ops::Result& result = recorder.signature.results[i];
      // A kind of device makes of it what it likes.
      const bool hidden = tests_accelerator() && result.auxiliary;
      if (hidden && result.kind == ops::ResultKind::kFresh) ++next;
      if (hidden) continue;
      if (result.kind == ops::ResultKind::kFresh) expect_same(direct[i].toTensor());
      if (result.kind != ops::ResultKind::kList) continue;
      for (const Tensor& t : direct[i].toTensorVector()) expect_same(t);
    }
    EXPECT_EQ(next, got.size());
  }
};

}  // namespace moai::device
