// AtenBuffer: a libtorch storage as Buffer.
#pragma once

#include <c10/core/Storage.h>

#include <utility>

#include "moai/device/device.h"

namespace moai::device {

class AtenBuffer final : public Buffer {
 public:
  explicit AtenBuffer(c10::Storage storage) : storage_(std::move(storage)) {}
  uint64_t size_bytes() const override { return storage_.nbytes(); }
  const c10::Storage& storage() const { return storage_; }

  // Every buffer that an AtenDevice is given came from one.
  static const AtenBuffer& of(const Buffer& buffer) {
    return static_cast<const AtenBuffer&>(buffer);
  }

 private:
  c10::Storage storage_;
};

}  // namespace moai::device
