#include "moai/device/aten/call/arguments.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gmock/gmock.h>

#include <bit>

#include "moai/device/aten/aten_buffer.h"
#include "moai/device/aten/call/tensors.h"

namespace moai::device {
namespace {

using testing::HasSubstr;
using torch::jit::Stack;

uint64_t word(double value) { return std::bit_cast<uint64_t>(value); }

const c10::FunctionSchema& schema_of(const ops::CallSignature& s) {
  return c10::Dispatcher::singleton().findSchemaOrThrow(s.op.c_str(), s.overload.c_str()).schema();
}

Result<Arguments> make(const std::string& text) {
  const auto signature = ops::call_signature_from_string(text);
  EXPECT_TRUE(signature) << text;
  return Arguments::make(schema_of(*signature), *signature, at::kCPU);
}

// Arguments of one signature, with the tensors that they are bound to.
class Bound {
 public:
  explicit Bound(const std::string& text) : arguments(std::move(*make(text))) {}

  Status bind(const std::vector<at::Tensor>& operands, const std::vector<uint64_t>& words = {}) {
    buffers_.clear();
    std::vector<Buffer*> pointers;
    for (const at::Tensor& t : operands) {
      buffers_.push_back(t.defined() ? std::make_unique<AtenBuffer>(t.storage()) : nullptr);
      pointers.push_back(buffers_.back().get());
    }
    stack.clear();
    return arguments.bind(pointers, words, &stack);
  }
  void release() {
    stack.clear();
    arguments.release();
    buffers_.clear();
  }

  Arguments arguments;
  Stack stack;

 private:
  std::vector<BufferPtr> buffers_;
};

TEST(Arguments, PutOneValueForEachArgumentOfTheSchema) {
  Bound add("aten::add.Tensor(f64[3], f64[3], word)");
  const at::Tensor a = at::rand({3}, at::kDouble), b = at::rand({3}, at::kDouble);
  ASSERT_EQ(add.bind({a, b}, {word(2.5)}), ok_status());
  ASSERT_EQ(add.stack.size(), 3u);
  EXPECT_TRUE(add.stack[0].toTensor().equal(a));
  EXPECT_TRUE(add.stack[1].toTensor().equal(b));
  EXPECT_EQ(add.stack[2].toDouble(), 2.5);
}

TEST(Arguments, ReuseTheirTensorsForOtherStorages) {
  Bound relu("aten::relu(f64[3])");
  const at::Tensor a = at::rand({3}, at::kDouble), b = at::rand({3}, at::kDouble);
  ASSERT_EQ(relu.bind({a}), ok_status());
  const void* first = relu.stack[0].toTensor().unsafeGetTensorImpl();
  relu.release();
  EXPECT_EQ(a.storage().use_count(), 1) << "nothing is held after the run";
  ASSERT_EQ(relu.bind({b}), ok_status());
  EXPECT_EQ(relu.stack[0].toTensor().unsafeGetTensorImpl(), first);
  EXPECT_TRUE(relu.stack[0].toTensor().equal(b));
}

TEST(Arguments, ATensorThatAKernelKeptIsLeftToIt) {
  Bound relu("aten::relu(f64[3])");
  const at::Tensor a = at::rand({3}, at::kDouble);
  ASSERT_EQ(relu.bind({a}), ok_status());
  const at::Tensor kept = relu.stack[0].toTensor();
  relu.release();
  EXPECT_TRUE(kept.equal(a)) << "it still has its storage";
  ASSERT_EQ(relu.bind({a}), ok_status());
  EXPECT_FALSE(relu.stack[0].toTensor().is_same(kept));
}

TEST(Arguments, AWrittenTensorThatAKernelChangedIsReplaced) {
  Bound fill("aten::fill_.Scalar(f64[3]!, word)");
  const at::Tensor a = at::rand({3}, at::kDouble);
  ASSERT_EQ(fill.bind({a}, {word(1)}), ok_status());
  fill.stack[0].toTensor().unsafeGetTensorImpl()->set_sizes_contiguous({1});
  fill.release();
  ASSERT_EQ(fill.bind({a}, {word(1)}), ok_status());
  EXPECT_EQ(fill.stack[0].toTensor().numel(), 3);
}

TEST(Arguments, OperandsMustLieInTheirStorages) {
  Bound relu("aten::relu(f64[3]+1)");
  EXPECT_EQ(relu.bind({at::rand({4}, at::kDouble)}), ok_status());
  relu.release();
  for (const at::Tensor& bad : {at::rand({3}, at::kDouble), at::Tensor()}) {
    const Status status = relu.bind({bad});
    EXPECT_EQ(status.code(), Code::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr("f64[3]+1"));
    relu.release();
  }
  EXPECT_EQ(relu.bind({}).code(), Code::kInvalidArgument) << "none at all";
}

TEST(Arguments, HostScalarsTakeTheirValueFromTwoWords) {
  Bound mul("aten::mul.Tensor(c128[3], host c128[])");
  const at::Tensor a = at::rand({3}, at::kComplexDouble);
  ASSERT_EQ(mul.bind({a}, {word(2), word(-1)}), ok_status());
  EXPECT_EQ(mul.stack[1].toTensor().item<c10::complex<double>>(), c10::complex<double>(2, -1));
  mul.release();
  Bound half("aten::mul.Tensor(f16[3], host bf16[])");
  ASSERT_EQ(half.bind({at::rand({3}, at::kHalf)}, {0x4049, 0}), ok_status());
  EXPECT_FLOAT_EQ(half.stack[1].toTensor().item<float>(), 3.140625f);
}

TEST(Arguments, AGeneratorIsTwoWordsAndNoValue) {
  Bound uniform("aten::uniform_(f32[3]!, word, word, generator)");
  ASSERT_EQ(uniform.bind({at::rand({3})}, {word(0), word(1), 77, 88}), ok_status());
  EXPECT_TRUE(uniform.arguments.has_generator());
  EXPECT_EQ(uniform.arguments.seed(), 77u);
  EXPECT_EQ(uniform.arguments.counter(), 88u);
  EXPECT_TRUE(uniform.stack[3].isNone());
  Bound dropout("aten::native_dropout(f32[3], word, true, generator)");
  ASSERT_EQ(dropout.bind({at::rand({3})}, {word(0.5), 5, 6}), ok_status());
  EXPECT_EQ(dropout.stack.size(), 3u) << "the generator is after the schema's arguments";
  EXPECT_EQ(dropout.arguments.counter(), 6u);
}

TEST(Arguments, ListsHoldOperandsWordsAndNothing) {
  Bound index("aten::index.Tensor(f64[3], (none, i64[2]))");
  const at::Tensor a = at::rand({3}, at::kDouble), at = at::zeros({2}, at::kLong);
  ASSERT_EQ(index.bind({a, at}), ok_status());
  const auto items = index.stack[1].toListRef();
  EXPECT_TRUE(items[0].isNone());
  EXPECT_TRUE(items[1].toTensor().equal(at));
  index.release();
  EXPECT_EQ(at.storage().use_count(), 1);
  Bound scale("aten::_foreach_mul.ScalarList((f64[3]), (intword))");
  ASSERT_EQ(scale.bind({a}, {9}), ok_status());
  EXPECT_TRUE(scale.stack[0].isTensorList());
  EXPECT_EQ(scale.stack[1].toListRef()[0].toInt(), 9);
}

TEST(Arguments, ConstantsOfEveryKind) {
  Bound full("aten::full([2,2], complex(1.0,2.0), 10, 0, device, false)");
  ASSERT_EQ(full.bind({}), ok_status());
  EXPECT_EQ(full.stack[0].toIntVector(), (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(full.stack[1].toComplexDouble(), c10::complex<double>(1, 2));
  EXPECT_EQ(full.stack[4].toDevice(), at::Device(at::kCPU));
  EXPECT_FALSE(full.stack[5].toBool());
  Bound gelu("aten::gelu(f32[3], \"tanh\")");
  ASSERT_EQ(gelu.bind({at::rand({3})}), ok_status());
  EXPECT_EQ(gelu.stack[1].toStringRef(), "tanh");
  Bound upsample("aten::upsample_nearest2d.vec(f32[1,1,2,2], none, doubles[2.0,2.0])");
  ASSERT_EQ(upsample.bind({at::rand({1, 1, 2, 2})}), ok_status());
  EXPECT_EQ(upsample.stack[2].toDoubleVector(), (std::vector<double>{2, 2}));
  Bound backward(
      "aten::native_layer_norm_backward(f32[3], f32[3], [3], f32[1], f32[1], undefined, none, "
      "bools[true,false,true])");
  const at::Tensor x = at::rand({3}), one = at::rand({1});
  ASSERT_EQ(backward.bind({x, x, one, one}), ok_status());
  EXPECT_TRUE(backward.stack[5].isNone()) << "an optional tensor that is undefined";
  EXPECT_FALSE(backward.stack[7].toBoolList().get(1));
}

TEST(Arguments, ARequiredTensorMayBeUndefined) {
  Bound relu("aten::relu(undefined)");
  ASSERT_EQ(relu.bind({}), ok_status());
  EXPECT_FALSE(relu.stack[0].toTensor().defined());
}

TEST(Arguments, KnowWhichTensorTheCallWrites) {
  Bound add("aten::add_.Tensor(f64[3]!, f64[3], word)");
  const at::Tensor a = at::rand({3}, at::kDouble);
  ASSERT_EQ(add.bind({a, a}, {word(1)}), ok_status());
  EXPECT_TRUE(add.arguments.is_written(add.stack[0].toTensor()));
  EXPECT_FALSE(add.arguments.is_written(add.stack[1].toTensor()));
  EXPECT_FALSE(add.arguments.is_written(a));
}

TEST(Arguments, SayWhichArgumentDoesNotFit) {
  EXPECT_THAT(make("aten::relu(5)").status().message(), HasSubstr("argument self"));
  EXPECT_THAT(make("aten::relu()").status().message(), HasSubstr("count 0 of 1"));
  EXPECT_THAT(make("aten::cat((5), 0)").status().message(), HasSubstr("other items"));
  EXPECT_THAT(make("aten::cat(((f32[1])), 0)").status().message(), HasSubstr("a list in a list"));
  EXPECT_THAT(make("aten::relu((f32[1]))").status().message(), HasSubstr("a list"));
}

TEST(Arguments, SeeOperandsWithPendingOperations) {
  EXPECT_TRUE(make("aten::relu(c128[3]*)")->has_lazy_operand());
  EXPECT_TRUE(make("aten::relu(f32[3]-)")->has_lazy_operand());
  EXPECT_FALSE(make("aten::relu(f32[3])")->has_lazy_operand());
}

}  // namespace
}  // namespace moai::device
