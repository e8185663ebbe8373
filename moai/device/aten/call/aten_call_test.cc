#include "moai/device/aten/call/aten_call.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include "moai/device/aten/call/calls_testing.h"

namespace moai::device {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class AtenCallTest : public CallTest {
 protected:
  at::Tensor a_ = at::rand({2, 3}, at::kDouble);
  at::Tensor b_ = at::rand({2, 3}, at::kDouble);
};

TEST_F(AtenCallTest, AdoptsTheKernelsOwnStorage) {
  const auto out = run("aten::add.Tensor(f64[2,3], f64[2,3], intword) -> f64[2,3]", {a_, b_}, {2});
  EXPECT_EQ(status_, ok_status());
  EXPECT_TRUE(same_values(out[0], a_ + 2 * b_));
}

TEST_F(AtenCallTest, CopiesIntoThePredictedGeometryWhereTheKernelsDiffers) {
  const auto out =
      run("aten::add.Tensor(f64[2,3], f64[2,3], intword) -> f64[2,3]{1,2}+1", {a_, b_}, {1});
  EXPECT_EQ(status_, ok_status());
  EXPECT_TRUE(same_values(out[0], a_ + b_));
  EXPECT_THAT(out[0].strides(), ElementsAre(1, 2));
  EXPECT_EQ(out[0].storage_offset(), 1);
}

TEST_F(AtenCallTest, AResultThatSharesAStorageIsCopied) {
  const auto out = run("aten::chunk(f64[2,3], 3, 1) -> (f64[2,1], f64[2,1], f64[2,1])", {a_});
  EXPECT_EQ(status_, ok_status());
  EXPECT_TRUE(same_values(out[2], a_.narrow(1, 2, 1)));
  EXPECT_NE(out[2].storage().data(), a_.storage().data());
  const auto same = run("aten::contiguous(f64[2,3], 0) -> f64[2,3]", {a_});
  EXPECT_EQ(status_, ok_status());
  EXPECT_NE(same[0].data_ptr(), a_.data_ptr()) << "an operand was returned as it is";
  EXPECT_TRUE(same_values(same[0], a_));
}

TEST_F(AtenCallTest, AnOutputIsWrittenWhereItLies) {
  // The kernel resizes it to a row and back, so to a vector without gaps.
  const at::Tensor x = at::rand({3}, at::kDouble), w = at::rand({4, 3}, at::kDouble);
  const at::Tensor out = at::full({8}, -1.0, at::kDouble);
  run("aten::linear.out(f64[3], f64[4,3], none, f64[4]{2}!) -> _", {x, w, out});
  EXPECT_EQ(status_, ok_status()) << status_.to_string();
  EXPECT_TRUE(out.slice(0, 0, 8, 2).allclose(at::mv(w, x)));
}

TEST_F(AtenCallTest, AConjugationLeftPendingInAnOutputIsCarriedOut) {
  const at::Tensor a = at::rand({3, 3}, at::kComplexDouble), b = at::rand({3, 3}, a.options());
  const auto [lu, pivots, info] = at::linalg_lu_factor_ex(a);
  const at::Tensor wanted = at::linalg_lu_solve(lu, pivots, b, false, false);
  ASSERT_TRUE(wanted.is_conj());
  const at::Tensor out = at::zeros({3, 3}, a.options());
  run("aten::linalg_lu_solve.out(c128[3,3]{1,3}, i32[3], c128[3,3], false, false, c128[3,3]!)"
      " -> _",
      {lu, pivots, b, out});
  EXPECT_EQ(status_, ok_status()) << status_.to_string();
  EXPECT_TRUE(out.allclose(wanted));
}

TEST_F(AtenCallTest, AnotherGeometryThanPredictedIsOurErrorNamingBoth) {
  run("aten::add.Tensor(f64[2,3], f64[2,3], intword) -> f64[3,2]", {a_, b_}, {1});
  EXPECT_EQ(status_.code(), Code::kInternal);
  EXPECT_THAT(status_.message(), HasSubstr("f64[3,2]"));
  EXPECT_THAT(status_.message(), HasSubstr("f64[2,3]"));
  run("aten::add.Tensor(f64[2,3], f64[2,3], intword) -> f32[2,3]", {a_, b_}, {1});
  EXPECT_EQ(status_.code(), Code::kInternal);
}

TEST_F(AtenCallTest, AnAuxiliaryResultOfAnotherShapeIsZeros) {
  const auto out =
      run("aten::native_batch_norm(f64[2,3], none, none, f64[3], f64[3], false, 0.1, 1e-05) -> "
          "f64[2,3], f64[3]?, f64[3]?",
          {a_, at::zeros({3}, at::kDouble), at::ones({3}, at::kDouble)});
  EXPECT_EQ(status_, ok_status());
  EXPECT_TRUE(out[0].allclose(a_, 1e-4, 1e-4));
  EXPECT_TRUE(same_values(out[1], at::zeros({3}, at::kDouble)));
}

TEST_F(AtenCallTest, HostScalarsAndWrappedNumbersPromoteAsInTorch) {
  const at::Tensor f = at::rand({3}, at::kFloat);
  const auto wrapped = run("aten::mul.Tensor(f32[3], host f64[]w) -> f32[3]", {f}, {word(2.5), 0});
  EXPECT_EQ(status_, ok_status());
  EXPECT_TRUE(same_values(wrapped[0], f * 2.5));
  const auto plain = run("aten::mul.Tensor(f32[3], host i64[]) -> f32[3]", {f}, {3, 0});
  EXPECT_TRUE(same_values(plain[0], f * 3));
  const at::Tensor whole = at::arange(3);
  const auto promoted =
      run("aten::mul.Tensor(i64[3], host f64[]) -> f64[3]", {whole}, {word(2), 0});
  EXPECT_TRUE(same_values(promoted[0], whole.to(at::kDouble) * 2));
}

TEST_F(AtenCallTest, PendingConjugationAndNegationAreSeen) {
  const at::Tensor c = at::rand({3}, at::kComplexDouble);
  auto out = run("aten::mul.Tensor(c128[3]*, c128[3]) -> c128[3]", {c, c});
  EXPECT_EQ(status_, ok_status());
  EXPECT_TRUE(same_values(out[0], c.conj() * c));
  out = run("aten::add.Tensor(f64[2,3]-, f64[2,3], intword) -> f64[2,3]", {a_, b_}, {1});
  EXPECT_TRUE(same_values(out[0], b_ - a_));
}

TEST_F(AtenCallTest, ListsOfTensorsAndNumbers) {
  at::Tensor x = a_.clone(), y = b_.clone();
  run("aten::_foreach_add_.List((f64[2,3]!, f64[2,3]!), (f64[2,3], f64[2,3]), intword)",
      {x, y, a_, b_}, {1});
  EXPECT_EQ(status_, ok_status());
  EXPECT_TRUE(same_values(x, 2 * a_));
  run("aten::_foreach_mul_.ScalarList((f64[2,3]!, f64[2,3]!), (word, word))", {x, y},
      {word(0.5), word(3)});
  EXPECT_EQ(status_, ok_status());
  EXPECT_TRUE(same_values(x, a_));
  EXPECT_TRUE(same_values(y, 2 * b_ * 3));
}

TEST_F(AtenCallTest, APreparedListCallRunsAgain) {
  auto call = prepare("aten::cat((f64[2,3], f64[2,3]), 0) -> f64[4,3]");
  ASSERT_TRUE(call.ok());
  const std::vector<Buffer*> operands = pointers({a_, b_});
  const auto uses = [&] { return AtenBuffer::of(*operands[0]).storage().use_count(); };
  const size_t before = uses();
  std::vector<BufferPtr> fresh(1);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ((*call)->run(operands, {}, fresh), ok_status());
  }
  EXPECT_EQ(uses(), before) << "nothing is held after the run";
}

TEST_F(AtenCallTest, OptionalTensorsInLists) {
  const at::Tensor index = at::tensor({1, 0}, at::kLong);
  const auto out = run("aten::index.Tensor(f64[2,3], (none, i64[2])) -> f64[2,2]", {a_, index});
  EXPECT_EQ(status_, ok_status());
  EXPECT_TRUE(same_values(out[0], a_.index_select(1, index)));
}

TEST_F(AtenCallTest, FactoriesMakeTheirResultOnTheDevice) {
  const auto out = run("aten::full([2,2], word, 7, 0, device, false) -> f64[2,2]", {}, {word(3)});
  EXPECT_EQ(status_, ok_status());
  EXPECT_TRUE(same_values(out[0], at::full({2, 2}, 3.0, at::kDouble)));
}

TEST_F(AtenCallTest, InPlaceCallsWriteTheirOperandAndOutCallsToo) {
  at::Tensor x = a_.clone();
  run("aten::mul_.Tensor(f64[2,3]!, f64[2,3]) -> _", {x, b_});
  EXPECT_TRUE(same_values(x, a_ * b_));
  run("aten::add.out(f64[2,3], f64[2,3], intword, f64[2,3]!) -> _", {a_, b_, x}, {1});
  EXPECT_EQ(status_, ok_status());
  EXPECT_TRUE(same_values(x, a_ + b_));
}

TEST_F(AtenCallTest, AResizedOutputIsToldByAskAndTheCallWorksAgain) {
  at::Tensor out = at::empty({0}, at::kLong);
  for (int i = 0; i < 2; ++i) {
    auto values = ask("aten::nonzero.out(f64[2,3], i64[0]!) -> _", {a_, out});
    ASSERT_TRUE(values.ok()) << values.status().to_string();
    EXPECT_TRUE((*values)[0].written_argument);
    EXPECT_THAT((*values)[0].geometry.sizes, ElementsAre(6, 2));
    EXPECT_GE(out.storage().nbytes(), 96u);
  }
}

TEST_F(AtenCallTest, AsksForListsAndNumbers) {
  auto values = ask("aten::unbind.int(f64[2,3], 0) -> _", {a_});
  ASSERT_TRUE(values.ok()) << values.status().to_string();
  ASSERT_EQ((*values)[0].kind, DynamicValue::Kind::kList);
  ASSERT_EQ((*values)[0].items.size(), 2u);
  EXPECT_TRUE(tensor_of((*values)[0].items[1]).equal(a_[1]));
  values = ask("aten::equal(f64[2,3], f64[2,3]) -> _", {a_, a_});
  EXPECT_EQ((*values)[0].kind, DynamicValue::Kind::kBool);
  EXPECT_EQ((*values)[0].integer, 1);
  values = ask("aten::_local_scalar_dense(i64[]) -> _", {at::tensor(41, at::kLong)});
  EXPECT_EQ((*values)[0].kind, DynamicValue::Kind::kInt);
  EXPECT_EQ((*values)[0].integer, 41);
  values = ask("aten::_unique2(i64[4], true, true, true) -> _, _, _",
               {at::tensor({5, 1, 5, 1}, at::kLong)});
  ASSERT_TRUE(values.ok());
  EXPECT_EQ(values->size(), 3u);
  EXPECT_TRUE(tensor_of((*values)[0]).equal(at::tensor({1, 5}, at::kLong)));
}

TEST_F(AtenCallTest, DrawingOperatorsUseTheirStreamAlone) {
  at::Tensor x = at::empty({8}, at::kFloat), y = at::empty({8}, at::kFloat);
  const std::string text = "aten::normal_(f32[8]!, word, word, generator) -> _";
  run(text, {x}, {word(0), word(1), 11, 5});
  EXPECT_EQ(status_, ok_status());
  run(text, {y}, {word(0), word(1), 11, 5});
  EXPECT_TRUE(same_values(x, y));
  run(text, {y}, {word(0), word(1), 11, 6});
  EXPECT_FALSE(x.equal(y));
}

TEST_F(AtenCallTest, AnOperatorWithoutGeneratorArgumentHasItAfterTheOthers) {
  const auto out =
      run("aten::native_dropout(f64[2,3], word, true, generator) -> f64[2,3], bool[2,3]", {a_},
          {word(0.5), 3, 4});
  EXPECT_EQ(status_, ok_status());
  EXPECT_TRUE(same_values(out[0], at::where(out[1], a_ * 2, at::zeros_like(a_))));
}

TEST_F(AtenCallTest, DrawingWithoutAKernelOfOursIsUnimplementedByName) {
  const std::string text = "aten::rand_like.out(f64[2,3], none, f64[2,3]!, generator) -> _";
  EXPECT_EQ(prepare(text).ok(), true);
  run(text, {a_, b_}, {1, 2});
  EXPECT_EQ(status_.code(), Code::kUnimplemented);
  EXPECT_THAT(status_.message(), HasSubstr("rand_like"));
}

TEST_F(AtenCallTest, AttentionDrawsOnlyWithDropout) {
  MOAI_FOR_CPU_ALONE("an operator of the CPU");
  const at::Tensor q = at::rand({1, 2, 4, 8}, at::kFloat);
  const std::string text =
      "aten::_scaled_dot_product_flash_attention_for_cpu(f32[1,2,4,8], f32[1,2,4,8], "
      "f32[1,2,4,8], word, false, none, none, generator) -> f32[1,2,4,8]{64,8,16,1}, f32[1,2,4]?";
  run(text, {q, q, q}, {word(0), 1, 2});
  EXPECT_EQ(status_, ok_status()) << status_.to_string();
  run(text, {q, q, q}, {word(0.5), 1, 2});
  EXPECT_EQ(status_.code(), Code::kUnimplemented);
}

TEST_F(AtenCallTest, RefusesSignaturesThatFitNoSchema) {
  for (const char* text :
       {"aten::relu() -> f64[2,3]", "aten::relu(5) -> f64[2,3]",
        "aten::cat(f64[2,3], 0) -> f64[2,3]", "aten::cat((f64[2,3], 5), 0) -> f64[2,3]",
        "aten::cat(((f64[2,3])), 0) -> f64[2,3]", "aten::sum.dim_IntList(f64[2,3], 0, \"x\", none)",
        "aten::relu(none) -> f64[2,3]", "aten::relu(f64[2,3], generator, generator) -> f64[2,3]",
        "aten::uniform_(f32[8]!, word, word, none) -> _"}) {
    EXPECT_EQ(prepare(text).status().code(), Code::kInvalidArgument) << text;
  }
}

TEST_F(AtenCallTest, AFailedCallLeavesItWorking) {
  MOAI_FOR_CPU_ALONE("an index outside ends the context of an accelerator");
  auto call = prepare("aten::index_select(f64[2,3], 0, i64[1]) -> f64[1,3]");
  ASSERT_TRUE(call.ok());
  at::Tensor index = at::tensor({7}, at::kLong);
  AtenBuffer source(a_.storage()), at(index.storage());
  std::vector<BufferPtr> fresh(1);
  const std::vector<Buffer*> operands = {&source, &at};
  EXPECT_FALSE((*call)->run(operands, {}, fresh).ok());
  index.fill_(1);
  EXPECT_EQ((*call)->run(operands, {}, fresh), ok_status());
  EXPECT_EQ(a_.storage().use_count(), 2);
}

TEST_F(AtenCallTest, AskedForAnOutputWithoutMemoryReturnsItsMemory) {
  for (int round = 0; round < 2; ++round) {
    auto values = ask("aten::masked_select.out(f64[2,3], bool[2,3], f64[0]!) -> _",
                      {a_, a_ > -1, at::Tensor()});
    ASSERT_TRUE(values.ok()) << values.status().to_string();
    EXPECT_TRUE((*values)[0].written_argument);
    EXPECT_TRUE(tensor_of((*values)[0]).equal(a_.flatten()));
  }
  EXPECT_EQ(empty_storage(at::kCPU).nbytes(), 0u);
}

TEST_F(AtenCallTest, AKernelMayWriteIntoTheListOfIndicesItIsGiven) {
  auto call =
      prepare("aten::_unsafe_masked_index(f64[2,3], bool[2,1], (i64[2]), intword) -> f64[2,3]");
  ASSERT_TRUE(call.ok()) << call.status().to_string();
  const std::vector<Buffer*> operands =
      pointers({a_, at::tensor({1, 0}, at::kInt).to(at::kBool), at::tensor({1, 7}, at::kLong)});
  const std::vector<uint64_t> words = {0};
  for (int round = 0; round < 3; ++round) {
    std::vector<BufferPtr> fresh(1);
    EXPECT_EQ((*call)->run(operands, words, fresh), ok_status());
    const at::Tensor out =
        on_cpu({.dtype = tensor::DType::kFloat64, .sizes = {2, 3}, .strides = {3, 1}}, *fresh[0]);
    EXPECT_TRUE(same_values(out[0], a_[1]));
    EXPECT_EQ(out[1].abs().sum().item<double>(), 0);
  }
}

}  // namespace
}  // namespace moai::device
