// Running calls of an AtenDevice on tensors, for tests.
#pragma once

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <bit>
#include <memory>
#include <string>
#include <vector>

#include "moai/device/aten/aten_buffer.h"
#include "moai/device/aten/aten_device.h"
#include "moai/device/aten/call/tensors.h"

namespace moai::device {

class CallTest : public testing::Test {
 protected:
  static uint64_t word(double value) { return std::bit_cast<uint64_t>(value); }

  static ops::CallSignature parse(const std::string& text) {
    const auto signature = ops::call_signature_from_string(text);
    EXPECT_TRUE(signature) << text;
    return signature.value_or(ops::CallSignature{});
  }

  // Geometry text of a tensor, with "!" for one that is written.
  static std::string text_of(const at::Tensor& tensor) {
    return tensor::to_string(geometry_of(tensor));
  }

  Result<std::unique_ptr<Call>> prepare(const std::string& text) {
    return device_->prepare(parse(text));
  }

  // Runs the call `times` times over the storages of `operands` and returns the fresh results of
  // the last as tensors.
  std::vector<at::Tensor> run(const std::string& text, const std::vector<at::Tensor>& operands,
                              const std::vector<uint64_t>& words = {}, int times = 1) {
    const ops::CallSignature signature = parse(text);
    auto call = device_->prepare(signature);
    EXPECT_TRUE(call.ok()) << call.status().to_string();
    if (!call.ok()) return {};
    std::vector<BufferPtr> fresh(ops::arity(signature).fresh);
    for (int i = 0; i < times; ++i) status_ = (*call)->run(pointers(operands), words, fresh);
    std::vector<at::Tensor> results;
    for (const tensor::Geometry& g : fresh_geometries(signature)) {
      const BufferPtr& buffer = fresh[results.size()];
      results.push_back(buffer ? make_tensor(g, AtenBuffer::of(*buffer).storage(), at::kCPU)
                               : at::Tensor());
    }
    return results;
  }

  Result<std::vector<DynamicValue>> ask(const std::string& text,
                                        const std::vector<at::Tensor>& operands,
                                        const std::vector<uint64_t>& words = {}) {
    auto call = prepare(text);
    EXPECT_TRUE(call.ok()) << call.status().to_string();
    if (!call.ok()) return call.status();
    return (*call)->ask(pointers(operands), words);
  }

  static at::Tensor tensor_of(const DynamicValue& value) {
    const c10::Storage storage =
        value.buffer ? AtenBuffer::of(*value.buffer).storage() : empty_storage(at::kCPU);
    return make_tensor(value.geometry, storage, at::kCPU);
  }

  std::unique_ptr<Device> device_ = std::move(*make_aten_device({}));
  Status status_;  // of the last run

 private:
  std::vector<Buffer*> pointers(const std::vector<at::Tensor>& operands) {
    buffers_.clear();
    std::vector<Buffer*> all;
    for (const at::Tensor& t : operands) {
      buffers_.push_back(t.defined() ? std::make_unique<AtenBuffer>(t.storage()) : nullptr);
      all.push_back(buffers_.back().get());
    }
    return all;
  }
  static std::vector<tensor::Geometry> fresh_geometries(const ops::CallSignature& s) {
    std::vector<tensor::Geometry> all;
    for (const ops::Result& result : s.results) {
      if (result.kind == ops::ResultKind::kFresh) all.push_back(result.geometry);
      for (const ops::Result& item : result.items) {
        if (item.kind == ops::ResultKind::kFresh) all.push_back(item.geometry);
      }
    }
    return all;
  }

  std::vector<BufferPtr> buffers_;
};

}  // namespace moai::device
