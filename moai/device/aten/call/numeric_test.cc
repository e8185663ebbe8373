// Calls through a Device against the same operators called directly: equal bits.
#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gmock/gmock.h>

#include <cmath>

#include "moai/device/aten/call/calls_testing.h"
#include "moai/ops/facts.h"

namespace moai::device {
namespace {

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

  ops::Arg arg(const IValue& v, bool written) {
    if (v.isTensor()) return tensor(v.toTensor(), written);
    if (v.isNone()) return {.kind = ops::ArgKind::kNone};
    if (v.isBool()) return {.kind = ops::ArgKind::kBool, .ints = {v.toBool()}};
    if (v.isInt()) return {.kind = ops::ArgKind::kInt, .ints = {v.toInt()}};
    if (v.isDouble()) {
      words.push_back(std::bit_cast<uint64_t>(v.toDouble()));
      return {.kind = ops::ArgKind::kDoubleWord};
    }
    if (v.isString()) return {.kind = ops::ArgKind::kString, .text = v.toStringRef()};
    if (v.isIntList()) return {.kind = ops::ArgKind::kIntList, .ints = v.toIntVector()};
    if (v.isBoolList()) {
      ops::Arg a{.kind = ops::ArgKind::kBoolList};
      for (const bool b : v.toBoolList()) a.ints.push_back(b);
      return a;
    }
    ops::Arg list{.kind = ops::ArgKind::kList};
    for (const IValue& item : v.toListRef()) list.items.push_back(arg(item, written));
    return list;
  }
  ops::Arg tensor(const Tensor& t, bool written) {
    if (!t.defined()) return {.kind = ops::ArgKind::kUndefined};
    operands.push_back(t);
    return {.kind = ops::ArgKind::kTensor, .written = written, .geometry = geometry_of(t)};
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

Tensor r(at::IntArrayRef sizes) { return at::randn(sizes, at::kFloat); }
Tensor longs(const std::vector<int64_t>& values, at::IntArrayRef sizes) {
  return at::tensor(values, at::kLong).view(sizes);
}
std::vector<int64_t> ints(std::initializer_list<int64_t> v) { return v; }

std::vector<Row> elementwise() {
  const Tensor a = r({3, 4}), b = r({3, 4}), row = r({4});
  return {
      {"aten::add", "Tensor", {a, b, 2}},
      {"aten::add", "Tensor", {a.t(), b.t(), 1.5}},
      {"aten::mul", "Tensor", {a, row}},
      {"aten::div", "Tensor", {a.narrow(1, 1, 2), b.narrow(1, 0, 2)}},
      {"aten::pow", "Tensor_Scalar", {a, 2.0}},
      {"aten::exp", "", {a}},
      {"aten::gelu", "", {a, "tanh"}},
      {"aten::gelu_backward", "", {a, b, "none"}},
      {"aten::silu", "", {a}},
      {"aten::tanh_backward", "", {a, b}},
      {"aten::threshold_backward", "", {a, b, 0}},
      {"aten::where", "self", {a > 0, a, b}},
      {"aten::clamp", "", {a, -0.5, IValue()}},
      {"aten::lt", "Scalar", {a, 0.25}},
      {"aten::masked_fill", "Scalar", {a, b > 0, -1.0}},
      {"aten::_to_copy", "", {a, 6, IValue(), IValue(), IValue(), false, IValue()}},
      {"aten::add_", "Tensor", {a.clone(), b, 1}},
      {"aten::addcdiv_", "", {a.clone(), b, row, 0.5}},
  };
}

std::vector<Row> reductions_and_shapes() {
  const Tensor a = r({3, 4}), x = r({2, 3, 4});
  return {
      {"aten::sum", "", {a, IValue()}},
      {"aten::sum", "dim_IntList", {x, ints({0, 2}), true, IValue()}},
      {"aten::mean", "dim", {x, ints({1}), false, IValue()}},
      {"aten::amax", "", {x, ints({1}), false}},
      {"aten::max", "dim", {a, 1, false}},
      {"aten::var_mean", "correction", {x, ints({2}), 1, false}},
      {"aten::cumsum", "", {a, 1, IValue()}},
      {"aten::sort", "", {a, 1, true}},
      {"aten::topk", "", {a, 2, 1, true, true}},
      {"aten::argmax", "", {a, 1, false}},
      {"aten::cat", "", {std::vector<Tensor>{a, a, r({1, 4})}, 0}},
      {"aten::stack", "", {std::vector<Tensor>{a, a}, 1}},
      {"aten::clone", "", {x.transpose(0, 2), 0}},
      {"aten::constant_pad_nd", "", {a, ints({1, 2}), 0.0}},
      {"aten::tril", "", {r({4, 4}), 0}},
      {"aten::gather", "", {a, 1, longs({0, 1, 2, 3, 1, 1}, {3, 2}), false}},
      {"aten::index_select", "", {a, 0, longs({2, 0}, {2})}},
      {"aten::scatter_add", "", {a, 1, longs({0, 3, 3}, {3, 1}), r({3, 1})}},
      {"aten::repeat", "", {a, ints({2, 1})}},
      {"aten::flip", "", {a, ints({0})}},
  };
}

std::vector<Row> layers() {
  const Tensor x = r({4, 6}), w = r({5, 6}), bias = r({5}), gain = r({6}), shift = r({6});
  const Tensor image = r({2, 3, 8, 8}), filter = r({4, 3, 3, 3}), bias4 = r({4});
  const Tensor tokens = longs({1, 2, 0, 4}, {2, 2}), table = r({5, 6});
  const Tensor classes = longs({1, 0, 3, 5}, {4});
  const auto [normed, mean, rstd] = at::native_layer_norm(x, {6}, gain, shift, 1e-5);
  const auto [pooled, places] = at::max_pool2d_with_indices(image, {2, 2});
  const Tensor log_p = at::log_softmax(x, 1), none;
  const auto [loss, total] = at::nll_loss_forward(log_p, classes, none, 1, -100);
  return {
      {"aten::addmm", "", {bias, x, w.t(), 1, 1}},
      {"aten::mm", "", {x.t(), x}},
      {"aten::bmm", "", {r({2, 3, 4}), r({2, 4, 5})}},
      {"aten::native_layer_norm", "", {x, ints({6}), gain, shift, 1e-5}},
      {"aten::native_layer_norm_backward",
       "",
       {x, x, ints({6}), mean, rstd, gain, shift, c10::List<bool>({true, true, true})}},
      {"aten::native_batch_norm",
       "",
       {image, r({3}), r({3}), at::zeros({3}), at::ones({3}), true, 0.1, 1e-5}},
      {"aten::convolution",
       "",
       {image, filter, bias4, ints({1, 1}), ints({1, 1}), ints({1, 1}), false, ints({0, 0}), 1}},
      {"aten::convolution_backward",
       "",
       {r({2, 4, 8, 8}), image, filter, ints({4}), ints({1, 1}), ints({1, 1}), ints({1, 1}), false,
        ints({0, 0}), 1, c10::List<bool>({true, true, true})}},
      {"aten::max_pool2d_with_indices",
       "",
       {image, ints({2, 2}), ints({2, 2}), ints({0, 0}), ints({1, 1}), false}},
      {"aten::max_pool2d_with_indices_backward",
       "",
       {pooled, image, ints({2, 2}), ints({2, 2}), ints({0, 0}), ints({1, 1}), false, places}},
      {"aten::_softmax", "", {x, 1, false}},
      {"aten::_log_softmax_backward_data", "", {x, log_p, 1, 6}},
      {"aten::nll_loss_forward", "", {log_p, classes, none, 1, -100}},
      {"aten::nll_loss_backward", "", {loss, log_p, classes, none, 1, -100, total}},
      {"aten::embedding", "", {table, tokens, -1, false, false}},
      {"aten::embedding_dense_backward", "", {r({2, 2, 6}), tokens, 5, -1, false}},
      {"aten::_foreach_add_",
       "List",
       {std::vector<Tensor>{r({3}), r({2})}, std::vector<Tensor>{r({3}), r({2})}, 0.5}},
      {"aten::_foreach_sqrt", "", {std::vector<Tensor>{r({3}).abs(), r({2}).abs()}}},
      {"aten::linalg_vector_norm", "", {x, 2.0, IValue(), false, IValue()}},
      {"aten::linalg_inv_ex", "", {at::eye(3) + r({3, 3}) * 0.1, false}},
  };
}

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

  void check(const Row& row) {
    SCOPED_TRACE(std::string(row.op) + "." + row.overload);
    const auto op = c10::Dispatcher::singleton().findSchemaOrThrow(row.op, row.overload);
    Recorder recorder;
    recorder.signature = {.op = row.op, .overload = row.overload};
    torch::jit::Stack direct;
    std::vector<Tensor> written;
    for (size_t i = 0; i < row.arguments.size(); ++i) {
      const auto* alias = op.schema().arguments()[i].alias_info();
      direct.push_back(copy_of(row.arguments[i]));
      if (row.arguments[i].isTensor() && alias) written.push_back(direct.back().toTensor());
      recorder.signature.args.push_back(
          recorder.arg(copy_of(row.arguments[i]), alias && alias->isWrite()));
    }
    op.callBoxed(&direct);
    predict(direct, written, &recorder.signature);
    compare(direct, recorder);
    for (const Tensor& t : written) EXPECT_TRUE(t.equal(recorder.operands[0]));
  }

  static void predict(const torch::jit::Stack& results, const std::vector<Tensor>& written,
                      ops::CallSignature* signature) {
    for (const IValue& v : results) {
      ops::Result result = Recorder::result(v, written);
      if (v.isTensorList()) {
        result.kind = ops::ResultKind::kList;
        for (const Tensor& t : v.toTensorVector()) {
          result.items.push_back(Recorder::result(t, {}));
        }
      }
      signature->results.push_back(std::move(result));
    }
  }

  void compare(const torch::jit::Stack& direct, const Recorder& recorder) {
    const auto got = run(ops::to_string(recorder.signature), recorder.operands, recorder.words);
    ASSERT_EQ(status_, ok_status()) << status_.to_string();
    size_t next = 0;
    const auto expect_same = [&](const Tensor& wanted) {
      ASSERT_LT(next, got.size());
      EXPECT_TRUE(got[next].equal(wanted)) << "result " << next;
      EXPECT_EQ(got[next].strides(), wanted.strides());
      ++next;
    };
    for (size_t i = 0; i < direct.size(); ++i) {
      const ops::Result& result = recorder.signature.results[i];
      if (result.kind == ops::ResultKind::kFresh) expect_same(direct[i].toTensor());
      if (result.kind != ops::ResultKind::kList) continue;
      for (const Tensor& t : direct[i].toTensorVector()) expect_same(t);
    }
    EXPECT_EQ(next, got.size());
  }
};

TEST_F(NumericTest, ElementwiseOperators) {
  at::manual_seed(1);
  for (const Row& row : elementwise()) check(row);
}

TEST_F(NumericTest, ReductionsAndShapes) {
  at::manual_seed(2);
  for (const Row& row : reductions_and_shapes()) check(row);
}

TEST_F(NumericTest, Layers) {
  at::manual_seed(3);
  for (const Row& row : layers()) check(row);
}

}  // namespace
}  // namespace moai::device
