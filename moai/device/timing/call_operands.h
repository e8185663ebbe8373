// CallOperands: buffers for calls that are timed one after the other.
//
// A call's operand lies in a buffer of at least its size, a power of two, that other calls use as
// well: by size, type and place in the call. So there are few of them, and what is in them is
// written again only where a call has changed it.
#pragma once

#include <map>
#include <random>
#include <string>
#include <string_view>

#include "moai/device/device.h"

namespace moai::device {

class CallOperands {
 public:
  struct Use {
    bool written = false;  // by the call
    bool kept = false;     // holds what the last call left there
    bool others = false;   // other numbers than before
  };

  explicit CallOperands(Device* device) : device_(*device) {}

  // Floats between a half and one; zeros of what counts, points or is a flag. Null for an operand
  // without elements. Valid until clear().
  Result<Buffer*> take(const tensor::Geometry& g, size_t place, const Use& use);
  uint64_t bytes() const { return bytes_; }
  void clear();

  static uint64_t bytes_of(const tensor::Geometry& g);

 private:
  struct Held {
    BufferPtr buffer{};
    uint64_t changed_bytes = 0;  // from its begin
  };

  Status fill(Buffer* buffer, uint64_t bytes, tensor::DType dtype, bool others);
  Status double_on_device(Buffer* buffer, uint64_t filled, uint64_t bytes);

  Device& device_;
  std::map<std::tuple<uint64_t, std::string_view, size_t>, Held> held_;
  std::map<std::string_view, std::string> patterns_;
  uint64_t bytes_ = 0;
  std::minstd_rand random_{2};
};

}  // namespace moai::device
