// What kernels of the CPU take beside operands and results, against the estimate.
#include "moai/compiler/cost/workspace.h"

#include <gtest/gtest.h>

#include "moai/device/aten/aten_device.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler::cost {
namespace {

class Workspace : public testing::Test {
 protected:
  // Bytes beyond operands and results, of one call on zeros.
  uint64_t measured(const ops::CallSignature& s) {
    std::vector<device::BufferPtr> operands;
    std::vector<device::Buffer*> places;
    for (const ops::Arg* a : ops::tensor_operands(s)) {
      const auto bytes = static_cast<uint64_t>(tensor::storage_bytes(a->geometry));
      operands.push_back(device_->allocate(bytes).value());
      EXPECT_EQ(device_->copy_in(operands.back().get(), 0, std::string(bytes, '\0')), ok_status());
      places.push_back(operands.back().get());
    }
    const ops::Arity arity = ops::arity(s);
    std::vector<device::BufferPtr> fresh(arity.fresh);
    const std::vector<uint64_t> words(arity.words);
    auto call = device_->prepare(s);
    EXPECT_TRUE(call.ok()) << call.status().to_string();
    if (!call.ok()) return 0;
    device_->reset_peak();
    EXPECT_EQ((*call)->run(places, words, fresh), ok_status()) << ops::to_string(s);
    return device_->peak_bytes() - device_->allocated_bytes();
  }

  std::unique_ptr<device::Device> device_ = device::make_aten_device({}).value();
};

constexpr const char* kCalls[] = {
    "aten::add.Tensor(f32[64,64], f32[64,64], word) -> f32[64,64]",
    "aten::div.Scalar(f32[64,64], word) -> f32[64,64]",
    "aten::sum.dim_IntList(f32[64,64], [0], true, none) -> f32[1,64]",
    "aten::mean(f32[64,64], none) -> f32[]",
    "aten::mm(f32[64,64]{1,64}, f32[64,64]{1,64}) -> f32[64,64]",
    "aten::mm(f32[64,64]{128,2}, f32[64,64]) -> f32[64,64]",
    "aten::mm(bf16[64,64], bf16[64,64]) -> bf16[64,64]",
    "aten::mm(bf16[512,2048], bf16[2048,128]) -> bf16[512,128]",
    "aten::mm(bf16[64,4096], bf16[4096,64]) -> bf16[64,64]",
    "aten::mm(bf16[1024,1024], bf16[1024,1024]) -> bf16[1024,1024]",
    "aten::addmm(bf16[64], bf16[64,64], bf16[64,64], 1, 1) -> bf16[64,64]",
    "aten::bmm(f32[8,64,32]{2048,1,64}, f32[8,32,64]{2048,1,32}) -> f32[8,64,64]",
    "aten::_softmax(f32[8,4,64,64], -1, false) -> f32[8,4,64,64]",
    "aten::_safe_softmax(f32[8,4,64,64], -1, none) -> f32[8,4,64,64]",
    "aten::embedding(f32[103,128], i64[16,128]{129,1}, -1, false, false) -> f32[16,128,128]",
    "aten::embedding_dense_backward(f32[16,128,128], i64[16,128]{129,1}, 103, -1, false) -> "
    "f32[103,128]",
    "aten::native_layer_norm_backward(f32[16,128,128], f32[16,128,128], [128], f32[16,128,1], "
    "f32[16,128,1], f32[128], f32[128], bools[true,true,true]) -> f32[16,128,128], f32[128], "
    "f32[128]",
    "aten::convolution(f32[8,3,32,32], f32[16,3,3,3], f32[16], [1,1], [1,1], [1,1], false, [0,0], "
    "1) -> f32[8,16,32,32]",
    "aten::convolution(f64[8,3,32,32], f64[16,3,3,3], f64[16], [1,1], [1,1], [1,1], false, [0,0], "
    "1) -> f64[8,16,32,32]",
    "aten::convolution(f64[8,16,32,32], f64[16,16,1,1], undefined, [1,1], [0,0], [1,1], false, "
    "[0,0], 1) -> f64[8,16,32,32]",
    "aten::convolution(f32[8,16,32,32], f32[16,1,3,3], undefined, [1,1], [1,1], [1,1], false, "
    "[0,0], 16) -> f32[8,16,32,32]",
    "aten::convolution(f64[8,16,32,32], f64[16,1,3,3], undefined, [1,1], [1,1], [1,1], false, "
    "[0,0], 16) -> f64[8,16,32,32]",
    "aten::convolution(bf16[8,16,32,32], bf16[16,16,3,3], undefined, [1,1], [1,1], [1,1], false, "
    "[0,0], 1) -> bf16[8,16,32,32]",
    "aten::convolution_backward(f32[8,16,32,32], f32[8,3,32,32], f32[16,3,3,3], [16], [1,1], [1,1],"
    " [1,1], false, [0,0], 1, bools[true,true,true]) -> f32[8,3,32,32], f32[16,3,3,3], f32[16]",
    "aten::convolution_backward(f64[8,16,32,32], f64[8,3,32,32], f64[16,3,3,3], [16], [1,1], [1,1],"
    " [1,1], false, [0,0], 1, bools[true,true,true]) -> f64[8,3,32,32], f64[16,3,3,3], f64[16]",
    "aten::native_batch_norm(f32[8,16,32,32], f32[16], f32[16], f32[16]!, f32[16]!, true, 0.1, "
    "1e-05) -> f32[8,16,32,32], f32[16], f32[16]",
    "aten::copy_(f32[64,64]!, f32[64,64]{1,64}, false) -> _",
    "aten::_thnn_fused_lstm_cell(f64[6,8], f64[6,8], f64[6,2], f64[8], f64[8]) -> f64[6,2], "
    "f64[6,2], f64[6,8]",
    "aten::embedding_dense_backward(f64[6,8,2]{2,12,1}, i64[6,8], 36, -1, false) -> f64[36,2]",
    "aten::_scaled_dot_product_flash_attention_for_cpu_backward(f32[2,4,1024,32], "
    "f32[2,4,1024,32], f32[2,4,1024,32], f32[2,4,1024,32], f32[2,4,1024,32], f32[2,4,1024], 0.0, "
    "true, undefined, none) -> f32[2,4,1024,32], f32[2,4,1024,32], f32[2,4,1024,32]",
    "aten::_scaled_dot_product_flash_attention_for_cpu_backward(f32[2,4,200,32], f32[2,4,200,32], "
    "f32[2,4,200,32], f32[2,4,200,32], f32[2,4,200,32], f32[2,4,200], 0.0, true, undefined, none) "
    "-> "
    "f32[2,4,200,32], f32[2,4,200,32], f32[2,4,200,32]",
    "aten::_scaled_dot_product_flash_attention_for_cpu_backward(f32[2,4,500,32], f32[2,4,500,32], "
    "f32[2,4,500,32], f32[2,4,500,32], f32[2,4,500,32], f32[2,4,500], 0.0, true, undefined, none) "
    "-> "
    "f32[2,4,500,32], f32[2,4,500,32], f32[2,4,500,32]",
    "aten::_scaled_dot_product_flash_attention_for_cpu_backward(f32[2,4,128,32], f32[2,4,128,32], "
    "f32[2,4,128,32], f32[2,4,128,32], f32[2,4,128,32], f32[2,4,128], 0.0, true, undefined, none) "
    "-> "
    "f32[2,4,128,32], f32[2,4,128,32], f32[2,4,128,32]",
    "aten::_scaled_dot_product_flash_attention_for_cpu(f32[2,4,128,32], f32[2,4,128,32], "
    "f32[2,4,128,32], 0.0, true, undefined, none) -> f32[2,4,128,32], f32[2,4,128]",
    "aten::_scaled_dot_product_flash_attention_for_cpu(f32[2,4,200,32], f32[2,4,200,32], "
    "f32[2,4,200,32], 0.0, true, undefined, none) -> f32[2,4,200,32], f32[2,4,200]",
    "aten::_scaled_dot_product_flash_attention_for_cpu(f32[2,4,800,32], f32[2,4,800,32], "
    "f32[2,4,800,32], 0.0, true, undefined, none) -> f32[2,4,800,32], f32[2,4,800]",
    "aten::native_dropout_backward(f64[64,64], bool[64,64], word) -> f64[64,64]",
    "aten::topk(f32[64,64], 4, -1, true, true) -> f32[64,4], i64[64,4]",
    "aten::sort(f32[64,64], -1, false) -> f32[64,64], i64[64,64]",
    "aten::index.Tensor(f32[64,64], (i64[10])) -> f32[10,64]",
    "aten::index_put_(f32[64,64]!, (i64[10]), f32[10,64], true) -> _",
    "aten::upsample_nearest2d(f32[8,16,32,32], [64,64], none, none) -> f32[8,16,64,64]",
};

// Of the large ones, whose peaks are a step's, hardly less either: forward with few channels and
// many, with padded ones, by strides, of one place, dilated, transposed; gradients of all and of
// some.
constexpr const char* kConvolutions[] = {
    "aten::convolution(f32[16,3,32,32], f32[48,3,3,3], f32[48], [1,1], [1,1], [1,1], false, [0,0], "
    "1) -> f32[16,48,32,32]",
    "aten::convolution(f32[16,48,16,16], f32[96,48,3,3], f32[96], [1,1], [1,1], [1,1], false, "
    "[0,0], 1) -> f32[16,96,16,16]",
    "aten::convolution(f32[8,20,32,32], f32[40,20,3,3], f32[40], [1,1], [1,1], [1,1], false, [0,0],"
    " 1) -> f32[8,40,32,32]",
    "aten::convolution(f32[8,32,32,32], f32[64,32,3,3], f32[64], [2,2], [1,1], [1,1], false, [0,0],"
    " 1) -> f32[8,64,16,16]",
    "aten::convolution(f32[32,16,32,32], f32[32,16,1,1], f32[32], [1,1], [0,0], [1,1], false, "
    "[0,0], 1) -> f32[32,32,32,32]",
    "aten::convolution(f32[8,16,32,32], f32[32,16,3,3], f32[32], [1,1], [2,2], [2,2], false, [0,0],"
    " 1) -> f32[8,32,32,32]",
    "aten::convolution(f32[4,16,32,32], f32[16,32,3,3], f32[32], [1,1], [1,1], [1,1], true, [0,0], "
    "1) -> f32[4,32,32,32]",
    "aten::convolution_backward(f32[16,48,32,32], f32[16,3,32,32], f32[48,3,3,3], [48], [1,1], "
    "[1,1], [1,1], false, [0,0], 1, bools[false,true,true]) -> undefined, f32[48,3,3,3], f32[48]",
    "aten::convolution_backward(f32[16,96,16,16], f32[16,48,16,16], f32[96,48,3,3], [96], [1,1], "
    "[1,1], [1,1], false, [0,0], 1, bools[true,true,true]) -> f32[16,48,16,16], f32[96,48,3,3], "
    "f32[96]",
    "aten::convolution_backward(f32[8,40,32,32], f32[8,20,32,32], f32[40,20,3,3], [40], [1,1], "
    "[1,1], [1,1], false, [0,0], 1, bools[true,true,true]) -> f32[8,20,32,32], f32[40,20,3,3], "
    "f32[40]",
    "aten::convolution_backward(f32[8,64,16,16], f32[8,32,32,32], f32[64,32,3,3], [64], [2,2], "
    "[1,1], [1,1], false, [0,0], 1, bools[true,true,true]) -> f32[8,32,32,32], f32[64,32,3,3], "
    "f32[64]",
    "aten::convolution_backward(f32[8,64,16,16], f32[8,32,16,16], f32[64,32,3,3], [64], [1,1], "
    "[1,1], [1,1], false, [0,0], 1, bools[false,true,false]) -> undefined, f32[64,32,3,3], "
    "undefined",
};

TEST_F(Workspace, ConvolutionsInFloat32TakeWhatIsEstimated) {
  for (const char* text : kConvolutions) {
    const auto s = ops::call_signature_from_string(text);
    ASSERT_TRUE(s) << text;
    const uint64_t taken = measured(*s), estimate = workspace_bytes(*s);
    EXPECT_LE(taken, estimate) << text;
    EXPECT_LE(static_cast<double>(estimate), 1.05 * static_cast<double>(taken)) << text;
  }
}

TEST_F(Workspace, KernelsOfTheCpuTakeNoMoreThanEstimated) {
  for (const char* text : kCalls) {
    const auto s = ops::call_signature_from_string(text);
    ASSERT_TRUE(s) << text;
    EXPECT_LE(measured(*s), workspace_bytes(*s)) << text;
  }
}

}  // namespace
}  // namespace moai::compiler::cost
