#include "moai/device/aten/call/results.h"

#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <gmock/gmock.h>

#include "moai/device/aten/aten_buffer.h"
#include "moai/device/aten/call/tensors.h"

namespace moai::device {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using torch::jit::Stack;

// Binds values to the results of a signature's text.
class Binding {
 public:
  explicit Binding(const std::string& results)
      : signature_(*ops::call_signature_from_string("aten::x() -> " + results)),
        results_(signature_.results, at::kCPU),
        fresh(ops::arity(signature_).fresh) {}

  template <typename... Values>
  Status bind(Values&&... values) {
    Stack stack;
    torch::jit::push(stack, std::forward<Values>(values)...);
    return results_.bind(&stack, fresh);
  }
  const void* data(size_t i) const { return AtenBuffer::of(*fresh[i]).storage().data(); }
  at::Tensor tensor(size_t i, const std::string& geometry) const {
    return make_tensor(*tensor::geometry_from_string(geometry), AtenBuffer::of(*fresh[i]).storage(),
                       at::kCPU);
  }

 private:
  ops::CallSignature signature_;
  Results results_;

 public:
  std::vector<BufferPtr> fresh;
};

TEST(Results, AnUnsharedStorageIsAdopted) {
  Binding binding("f64[2,3]");
  at::Tensor made = at::rand({2, 3}, at::kDouble);
  const void* data = made.data_ptr();
  ASSERT_EQ(binding.bind(std::move(made)), ok_status());
  EXPECT_EQ(binding.data(0), data);
}

TEST(Results, ASharedStorageIsCopied) {
  Binding binding("f64[2,3]");
  const at::Tensor made = at::rand({2, 3}, at::kDouble);
  ASSERT_EQ(binding.bind(made), ok_status());
  EXPECT_NE(binding.data(0), made.data_ptr());
  EXPECT_TRUE(binding.tensor(0, "f64[2,3]").equal(made));
}

TEST(Results, TwoHalvesOfOneStorageAreCopied) {
  Binding binding("f64[3], f64[3]");
  {
    const at::Tensor both = at::arange(6, at::kDouble);
    ASSERT_EQ(binding.bind(both.narrow(0, 0, 3), both.narrow(0, 3, 3)), ok_status());
  }
  EXPECT_TRUE(binding.tensor(1, "f64[3]").equal(at::arange(3, 6, at::kDouble)));
  EXPECT_EQ(binding.fresh[0]->size_bytes(), 24u);
}

TEST(Results, OtherStridesAndOffsetsAreCopiedIntoThePredictedOnes) {
  Binding binding("f64[2,3]{1,2}+2");
  const at::Tensor made = at::rand({2, 3}, at::kDouble);
  ASSERT_EQ(binding.bind(made.clone()), ok_status());
  EXPECT_TRUE(binding.tensor(0, "f64[2,3]{1,2}+2").equal(made));
  EXPECT_EQ(binding.fresh[0]->size_bytes(), 64u);
}

TEST(Results, APendingConjugationIsCarriedOut) {
  Binding binding("c128[3]");
  const at::Tensor made = at::rand({3}, at::kComplexDouble);
  ASSERT_EQ(binding.bind(made.conj()), ok_status());
  EXPECT_TRUE(binding.tensor(0, "c128[3]").equal(made.conj()));
}

TEST(Results, AnotherShapeOrTypeIsAnError) {
  for (const at::Tensor& made : {at::rand({3, 2}, at::kDouble), at::rand({2, 3}), at::Tensor(),
                                 at::rand({6}, at::kDouble)}) {
    Binding binding("f64[2,3]");
    const Status status = binding.bind(made);
    EXPECT_EQ(status.code(), Code::kInternal);
    EXPECT_THAT(status.message(), HasSubstr("predicted f64[2,3]"));
    EXPECT_EQ(binding.fresh[0], nullptr);
  }
}

TEST(Results, AuxiliaryOnesOfAnotherShapeBecomeZeros) {
  for (const at::Tensor& made : {at::rand({0}, at::kDouble), at::Tensor(), at::rand({7})}) {
    Binding binding("f64[2]?");
    ASSERT_EQ(binding.bind(made), ok_status());
    EXPECT_TRUE(binding.tensor(0, "f64[2]").equal(at::zeros({2}, at::kDouble)));
  }
  Binding binding("f64[2]?");
  ASSERT_EQ(binding.bind(at::ones({2}, at::kDouble)), ok_status());
  EXPECT_TRUE(binding.tensor(0, "f64[2]").equal(at::ones({2}, at::kDouble)));
}

TEST(Results, WithoutElementsStayNull) {
  Binding binding("f64[0,3], f64[2]");
  ASSERT_EQ(binding.bind(at::rand({0, 3}, at::kDouble), at::rand({2}, at::kDouble)), ok_status());
  EXPECT_EQ(binding.fresh[0], nullptr);
  EXPECT_NE(binding.fresh[1], nullptr);
}

TEST(Results, IgnoredAndUndefinedOnesTakeNothing) {
  Binding binding("_, f64[2], undefined");
  ASSERT_EQ(binding.bind(int64_t{5}, at::rand({2}, at::kDouble), at::Tensor()), ok_status());
  EXPECT_EQ(binding.fresh.size(), 1u);
}

TEST(Results, ListsAreBoundItemByItem) {
  Binding binding("(f64[2], undefined, f64[3])");
  std::vector<at::Tensor> made = {at::rand({2}, at::kDouble), at::Tensor(),
                                  at::rand({3}, at::kDouble)};
  const void* data = made[2].data_ptr();
  ASSERT_EQ(binding.bind(std::move(made)), ok_status());
  ASSERT_EQ(binding.fresh.size(), 2u);
  EXPECT_EQ(binding.data(1), data) << "adopted, too";
  Binding longer("(f64[2], f64[2])");
  EXPECT_EQ(longer.bind(std::vector<at::Tensor>{at::rand({2}, at::kDouble)}).code(),
            Code::kInternal);
}

TEST(Results, TheNumberOfResultsMustFit) {
  Binding binding("f64[2], f64[2]");
  EXPECT_EQ(binding.bind(at::rand({2}, at::kDouble)).code(), Code::kInvalidArgument);
}

// ---- asked for

std::vector<DynamicValue> dynamic(c10::IValue value) {
  Stack stack = {std::move(value)};
  auto values = dynamic_results(&stack, Arguments(), at::kCPU);
  EXPECT_TRUE(values.ok()) << values.status().to_string();
  return values.ok() ? std::move(*values) : std::vector<DynamicValue>(1);
}

TEST(DynamicResults, NumbersAndNothing) {
  using Kind = DynamicValue::Kind;
  EXPECT_EQ(dynamic(true)[0].kind, Kind::kBool);
  EXPECT_EQ(dynamic(int64_t{-7})[0].integer, -7);
  EXPECT_EQ(dynamic(2.5)[0].real, 2.5);
  EXPECT_EQ(dynamic(c10::IValue())[0].kind, Kind::kNone);
  EXPECT_EQ(dynamic(at::Tensor())[0].kind, Kind::kUndefined);
  const auto ints = dynamic(std::vector<int64_t>{3, 4});
  ASSERT_EQ(ints[0].items.size(), 2u);
  EXPECT_EQ(ints[0].items[1].integer, 4);
}

TEST(DynamicResults, AnUnsharedTensorIsAdoptedAsItLies) {
  at::Tensor made = at::rand({2, 3}, at::kDouble).t().clone();
  const auto geometry = geometry_of(made);
  const void* data = made.data_ptr();
  const auto values = dynamic(std::move(made));
  EXPECT_EQ(values[0].geometry, geometry);
  EXPECT_EQ(AtenBuffer::of(*values[0].buffer).storage().data(), data);
}

TEST(DynamicResults, ViewsAndGapsAreMadeContiguous) {
  const at::Tensor base = at::arange(12, at::kDouble).view({3, 4});
  for (const at::Tensor& view : {base.narrow(0, 1, 2), base.narrow(1, 0, 2), base.t()}) {
    const auto values = dynamic(view);
    EXPECT_EQ(values[0].geometry.offset, 0);
    EXPECT_TRUE(tensor::is_contiguous(values[0].geometry));
    EXPECT_EQ(values[0].buffer->size_bytes(), static_cast<uint64_t>(view.numel()) * 8);
  }
}

TEST(DynamicResults, SparseTensorsBecomeDense) {
  const auto values = dynamic(at::eye(3).to_sparse());
  EXPECT_THAT(values[0].geometry.sizes, ElementsAre(3, 3));
}

TEST(DynamicResults, WhatCannotBeSentIsRefused) {
  Stack stack = {c10::IValue("text")};
  EXPECT_EQ(dynamic_results(&stack, Arguments(), at::kCPU).status().code(), Code::kUnimplemented);
}

}  // namespace
}  // namespace moai::device
