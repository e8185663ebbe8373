#include "moai/front/shape/inference.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>

#include "moai/front/shape/conformance/calls.h"
#include "moai/front/shape/meta_tensor.h"

namespace moai::front::shape {
namespace {

using c10::IValue;

// What training steps of an MLP, a CNN and a GPT record, with clipping and AdamW in a loop,
// foreach and fused.
constexpr const char* kTraining[] = {
    "aten::_amp_foreach_non_finite_check_and_unscale_",
    "aten::_amp_update_scale_",
    "aten::_foreach_add_.Scalar",
    "aten::_foreach_add_.Tensor",
    "aten::_foreach_addcdiv_.ScalarList",
    "aten::_foreach_addcmul_.Scalar",
    "aten::_foreach_div_.ScalarList",
    "aten::_foreach_lerp_.Scalar",
    "aten::_foreach_mul_.Scalar",
    "aten::_foreach_mul_.Tensor",
    "aten::_foreach_norm.Scalar",
    "aten::_foreach_sqrt",
    "aten::_fused_adamw_",
    "aten::_log_softmax",
    "aten::_log_softmax_backward_data",
    "aten::_scaled_dot_product_flash_attention",
    "aten::_scaled_dot_product_flash_attention_backward",
    "aten::_unsafe_view",
    "aten::add.Tensor",
    "aten::add_.Tensor",
    "aten::addcdiv_",
    "aten::addcmul_",
    "aten::addmm",
    "aten::arange.start_out",
    "aten::bernoulli_.float",
    "aten::cat",
    "aten::clamp",
    "aten::clone",
    "aten::convolution",
    "aten::convolution_backward",
    "aten::div.Scalar",
    "aten::div.Tensor",
    "aten::div_.Scalar",
    "aten::embedding",
    "aten::embedding_dense_backward",
    "aten::fill_.Scalar",
    "aten::gelu",
    "aten::gelu_backward",
    "aten::lerp_.Scalar",
    "aten::linalg_vector_norm",
    "aten::max_pool2d_with_indices",
    "aten::max_pool2d_with_indices_backward",
    "aten::mean.dim",
    "aten::mm",
    "aten::mul.Tensor",
    "aten::mul_.Tensor",
    "aten::native_batch_norm",
    "aten::native_batch_norm_backward",
    "aten::native_dropout",
    "aten::native_dropout_backward",
    "aten::native_layer_norm",
    "aten::native_layer_norm_backward",
    "aten::nll_loss_backward",
    "aten::nll_loss_forward",
    "aten::normal_",
    "aten::random_.from",
    "aten::reciprocal",
    "aten::relu",
    "aten::sqrt",
    "aten::stack",
    "aten::sum.dim_IntList",
    "aten::threshold_backward",
    "aten::zero_",
};

TEST(InferenceTest, AnswersWhatTrainingRecords) {
  size_t answered = 0;
  for (const char* name : kTraining) {
    EXPECT_TRUE(knows(name)) << name;
    answered += knows(name);
  }
  std::printf("answered in C++: %zu of %zu operators of training steps\n", answered,
              std::size(kTraining));
}

TEST(InferenceTest, SaysSoWhereItKnowsNothing) {
  const auto op = c10::Dispatcher::singleton().findSchemaOrThrow("aten::nonzero", "");
  EXPECT_FALSE(knows("aten::nonzero"));
  EXPECT_FALSE(infer("aten::nonzero", op, {IValue(plain({2}))}));
}

TEST(InferenceTest, WithDevicesThatDrawAttentionReturnsTheirState) {
  const auto op = c10::Dispatcher::singleton().findSchemaOrThrow(
      "aten::_scaled_dot_product_flash_attention", "");
  const at::Tensor q = plain({2, 4, 6, 8});
  const auto inference =
      infer("aten::_scaled_dot_product_flash_attention", op, {q, q, q, 0.0, true, false, IValue()});
  ASSERT_TRUE(inference);
  ASSERT_EQ(inference->results.size(), 9u);
  EXPECT_EQ(inference->results[0].toTensor().sizes(), q.sizes());
  EXPECT_FALSE(inference->results[2].toTensor().defined());
  EXPECT_EQ(inference->results[4].toInt(), 6);
  EXPECT_EQ(inference->results[6].toTensor().scalar_type(), at::kUInt64);
}

double nanoseconds(const char* name, const Values& arguments) {
  constexpr int kRounds = 2000;
  const auto op = c10::Dispatcher::singleton().findSchemaOrThrow(name, "");
  double best = 1e9;
  for (int batch = 0; batch < 5; ++batch) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kRounds; ++i) infer(name, op, arguments);
    const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
    best = std::min(best, spent.count() / kRounds);
  }
  return best;
}

TEST(InferenceTest, PrintsItsTimes) {
  const at::Tensor x = fresh({64, 64}, at::kFloat), w = fresh({64}, at::kFloat);
  const auto add = c10::Dispatcher::singleton().findSchemaOrThrow("aten::add", "Tensor");
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 2000; ++i) infer("aten::add.Tensor", add, {x, x, 1});
  const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - start;
  std::printf("add        %6.0f ns\n", spent.count() / 2000);
  std::printf("addmm      %6.0f ns\n", nanoseconds("aten::addmm", {w, x, x, 1, 1}));
  std::printf("layer_norm %6.0f ns\n",
              nanoseconds("aten::native_layer_norm", {x, std::vector<int64_t>{64}, w, w, 1e-5}));
  std::printf("_softmax   %6.0f ns\n", nanoseconds("aten::_softmax", {x, 1, false}));
  std::printf("gelu       %6.0f ns\n", nanoseconds("aten::gelu", {x, "none"}));
}

}  // namespace
}  // namespace moai::front::shape
