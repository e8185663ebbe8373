#include "moai/front/capture/signature.h"

#include <gtest/gtest.h>

namespace moai::front {
namespace {

using c10::IValue;

const Operator& op(const char* name, const char* overload) {
  return resolve(c10::Dispatcher::singleton().findSchemaOrThrow(name, overload));
}

struct Scanned {
  Scan scan;
  std::string text;
};

// Host tensors of one dimension and more stand for those of the device.
Scanned scanned(const Operator& op, const std::vector<IValue>& arguments) {
  Scanned s;
  scan(op, arguments, &s.scan);
  s.text = ops::to_string(make_signature(op, arguments, nullptr));
  return s;
}

TEST(SignatureTest, FloatScalarsAreWordsAndIntsOfTheSchemaAreValues) {
  const Operator& sum = op("aten::sum", "dim_IntList");
  const at::Tensor x = at::zeros({2, 3});
  const auto a = scanned(sum, {x, std::vector<int64_t>{0}, true, IValue()});
  const auto b = scanned(sum, {x, std::vector<int64_t>{1}, true, IValue()});
  EXPECT_NE(a.scan.key, b.scan.key);
  const Operator& add = op("aten::add", "Scalar");
  const auto c = scanned(add, {x, 1.5, 1});
  const auto d = scanned(add, {x, 2.5, 7});
  EXPECT_EQ(c.scan.key, d.scan.key);
  EXPECT_NE(c.scan.words, d.scan.words);
  EXPECT_EQ(c.scan.words.size(), 2u);
}

TEST(SignatureTest, ScalarsThatDecideAShapeAreValues) {
  const Operator& arange = op("aten::arange", "start_out");
  const at::Tensor out = at::zeros({1});
  const auto a = scanned(arange, {0, 5, 1, out});
  const auto b = scanned(arange, {0, 6, 1, out});
  EXPECT_NE(a.scan.key, b.scan.key);
  EXPECT_TRUE(a.scan.words.empty());
}

TEST(SignatureTest, ScanAndSignatureAgreeOnWhatChanges) {
  const at::Tensor x = at::zeros({2, 3}), zero_dim = at::full({}, 3.0);
  const std::vector<std::pair<const Operator*, std::vector<IValue>>> calls = {
      {&op("aten::mul", "Tensor"), {x, zero_dim}},
      {&op("aten::clamp", ""), {x, IValue(), 2}},
      {&op("aten::_foreach_add", "ScalarList"),
       {std::vector<at::Tensor>{x, x}, c10::impl::GenericList(c10::NumberType::get())}},
      {&op("aten::uniform_", ""), {x, 0.0, 1.0, IValue()}},
      {&op("aten::native_dropout", ""), {x, 0.5, true}}};
  for (const auto& [op, arguments] : calls) {
    Scan scan;
    moai::front::scan(*op, arguments, &scan);
    const ops::Arity arity = ops::arity(make_signature(*op, arguments, nullptr));
    EXPECT_EQ(arity.operands, scan.storages.size()) << op->name;
    EXPECT_EQ(arity.words, scan.words.size()) << op->name;
  }
}

TEST(SignatureTest, WritesAreMarkedAlsoWhereTheSchemaIsSilent) {
  const Operator& norm = op("aten::native_batch_norm", "");
  EXPECT_TRUE(norm.arguments[3].written_silently);
  EXPECT_TRUE(norm.arguments[4].written_silently);
  EXPECT_FALSE(norm.arguments[0].written_silently);
  EXPECT_TRUE(op("aten::add_", "Tensor").arguments[0].written);
}

TEST(SignatureTest, WhatADecoderWouldRefuseIsRaised) {
  const Operator& abs = op("aten::abs", "");
  check_sendable(make_signature(abs, std::vector<IValue>{at::zeros({2, 3})}, nullptr));
  const at::Tensor deep = at::zeros(std::vector<int64_t>(200, 1));
  EXPECT_THROW(check_sendable(make_signature(abs, std::vector<IValue>{deep}, nullptr)), c10::Error);
}

}  // namespace
}  // namespace moai::front
