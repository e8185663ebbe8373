// Running calls of an AtenDevice on tensors, for tests.
#pragma once

#include <ATen/core/Tensor.h>
#include <gtest/gtest.h>

#include <bit>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "moai/device/aten/aten_buffer.h"
#include "moai/device/aten/aten_device.h"
#include "moai/device/aten/call/kind_testing.h"
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
    take_back(operands);
    std::vector<at::Tensor> results;
    for (const tensor::Geometry& g : fresh_geometries(signature)) {
      const BufferPtr& buffer = fresh[results.size()];
      results.push_back(buffer ? on_cpu(g, *buffer) : at::Tensor());
    }
    return results;
  }

  Result<std::vector<DynamicValue>> ask(const std::string& text,
                                        const std::vector<at::Tensor>& operands,
                                        const std::vector<uint64_t>& words = {}) {
    auto call = prepare(text);
    EXPECT_TRUE(call.ok()) << call.status().to_string();
    if (!call.ok()) return call.status();
    auto values = (*call)->ask(pointers(operands), words);
    take_back(operands);
    return values;
  }

  static at::Tensor tensor_of(const DynamicValue& value) {
    if (value.buffer) return on_cpu(value.geometry, *value.buffer);
    return make_tensor(value.geometry, empty_storage(at::kCPU), at::kCPU);
  }

  // A tensor of the CPU over what a buffer holds: the buffer's memory itself where it can be.
  static at::Tensor on_cpu(const tensor::Geometry& geometry, const Buffer& buffer) {
    const c10::Storage& storage = AtenBuffer::of(buffer).storage();
    return make_tensor(
        geometry, storage.device().is_cpu() ? storage : moved_storage(storage, at::kCPU), at::kCPU);
  }

  // Buffers of operands of the CPU, on the device of the tests. What lies in one storage here does
  // so there.
  std::vector<Buffer*> pointers(const std::vector<at::Tensor>& operands) {
    buffers_.clear();
    moved_.clear();
    std::vector<Buffer*> all;
    for (const at::Tensor& t : operands) {
      buffers_.push_back(t.defined() ? std::make_unique<AtenBuffer>(moved(t.storage())) : nullptr);
      all.push_back(buffers_.back().get());
    }
    return all;
  }
  // Gives operands what calls left in their buffers.
  void take_back(const std::vector<at::Tensor>& operands) {
    for (const at::Tensor& t : operands) {
      if (!t.defined()) continue;
      c10::StorageImpl* impl = t.storage().unsafeGetStorageImpl();
      const auto found = moved_.find(impl);
      if (found == moved_.end()) continue;
      c10::Storage back = moved_storage(found->second, at::kCPU);
      if (back.nbytes() == impl->nbytes()) {
        std::memcpy(impl->mutable_data(), back.data(), back.nbytes());
        continue;
      }
      impl->set_data_ptr_noswap(
          std::move(back.unsafeGetStorageImpl()->_mutable_data_ptr_no_checks()));
      impl->set_nbytes(found->second.nbytes());
    }
  }

  std::unique_ptr<Device> device_ = std::move(*make_aten_device({.kind = test_kind()}));
  Status status_;  // of the last run

 private:
  c10::Storage moved(const c10::Storage& storage) {
    if (!tests_accelerator()) return storage;
    c10::Storage& there = moved_[storage.unsafeGetStorageImpl()];
    if (!there) there = moved_storage(storage, test_device());
    return there;
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
  std::map<c10::StorageImpl*, c10::Storage> moved_;
};

}  // namespace moai::device
