// Counted host memory of a FakeDevice.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/device/device.h"

namespace moai::device {

class FakeMemory {
 public:
  explicit FakeMemory(uint64_t limit_bytes) : limit_(limit_bytes) {}

  Status take(uint64_t size) {
    const uint64_t live = live_.load();
    if (fails_ || size > kSizeMax || (limit_ && (size > limit_ || live > limit_ - size))) {
      return resource_exhausted("[device.fake] out of memory: requested " + std::to_string(size) +
                                ", allocated " + std::to_string(live) + " of " +
                                std::to_string(limit_));
    }
    live_ = live + size;
    if (live + size > peak_) peak_ = live + size;
    if (live + size > reserved_) reserved_ = live + size;
    return ok_status();
  }
  void give_back(uint64_t size) { live_ -= size; }
  void fail(bool on) { fails_ = on; }
  uint64_t live() const { return live_; }
  uint64_t peak() const { return peak_; }
  // What was given back is kept until trim().
  uint64_t reserved() const { return reserved_; }
  void reset_peak() { peak_ = live_.load(); }
  void trim() { reserved_ = live_.load(); }

 private:
  static constexpr uint64_t kSizeMax = uint64_t{1} << 34;  // of one storage

  const uint64_t limit_;
  std::atomic<uint64_t> live_{0}, peak_{0}, reserved_{0};
  std::atomic<bool> fails_{false};
};

class FakeBuffer final : public Buffer {
 public:
  static Result<std::unique_ptr<FakeBuffer>> make(FakeMemory* memory, uint64_t size) {
    MOAI_RETURN_IF_ERROR(memory->take(size));
    return std::unique_ptr<FakeBuffer>(new FakeBuffer(memory, size));
  }
  ~FakeBuffer() override { memory_->give_back(bytes_.size()); }

  uint64_t size_bytes() const override { return bytes_.size(); }
  char* data() { return bytes_.data(); }
  const char* data() const { return bytes_.data(); }
  double* doubles() { return reinterpret_cast<double*>(bytes_.data()); }
  Status grow(uint64_t size) {
    MOAI_RETURN_IF_ERROR(memory_->take(size - bytes_.size()));
    bytes_.resize(size);
    return ok_status();
  }

 private:
  FakeBuffer(FakeMemory* memory, uint64_t size) : memory_(memory), bytes_(size) {}

  FakeMemory* memory_;  // of the device, which outlives its buffers
  std::vector<char> bytes_;
};

}  // namespace moai::device
