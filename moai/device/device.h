// Device: executes operator calls on one accelerator. Knows neither programs nor messages.
//
// Everything here is called by one thread (the Worker's executor), in the order of the program;
// results may be computed asynchronously by the device, but what copy_out returns is final. Only
// allocated_bytes, peak_bytes and reserved_bytes may be read from any thread. A Device outlives its
// buffers and calls.
//
// Errors: the code says which class torch raises; see dispatch::Fault. A failed call may have
// written part of what it writes; it has no other effect.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moai/base/status.h"
#include "moai/ops/call.h"
#include "moai/tensor/geometry.h"

namespace moai::device {

// Memory of one storage. Its owner keeps it at least until a call that was given it has returned.
class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual uint64_t size_bytes() const = 0;
};
using BufferPtr = std::unique_ptr<Buffer>;

// A result whose shape the device decided.
struct DynamicValue {
  enum class Kind : uint8_t { kNone, kUndefined, kTensor, kList, kBool, kInt, kDouble };
  Kind kind = Kind::kNone;
  tensor::Geometry geometry;
  // kTensor: of a fresh one, and of a written argument that had no memory; null without elements.
  BufferPtr buffer;
  bool written_argument = false;  // kTensor: the written argument itself, `geometry` is its new one
  int64_t integer = 0;
  double real = 0;
  std::vector<DynamicValue> items;
};

// A call signature resolved for this device. Immutable; used by the executor thread only.
class Call {
 public:
  virtual ~Call() = default;
  // Runs the call. `operands`, `words` and `fresh` have the counts of ops::arity; null operands
  // stand for storage 0. Fills `fresh`, one buffer for each fresh result that has elements (others
  // stay null), in the predicted geometry; after a failure some may be filled. An operand that does
  // not hold its geometry is INVALID_ARGUMENT; a result of another geometry than predicted is
  // INTERNAL, auxiliary ones apart.
  virtual Status run(std::span<Buffer* const> operands, std::span<const uint64_t> words,
                     std::span<BufferPtr> fresh) = 0;
  // It is not run, since an operand has failed. Who else counts on it is told here.
  virtual void skipped(const Status& why) {}
  // Runs it and reports what came out instead, one value for each result of the operator.
  virtual Result<std::vector<DynamicValue>> ask(std::span<Buffer* const> operands,
                                                std::span<const uint64_t> words) = 0;
};

struct DeviceOptions {
  std::string kind = "cpu";
  int index = 0;
  int threads = 1;            // intra-op threads of a cpu device
  uint64_t memory_bytes = 0;  // limit over buffers and workspace; 0: none
};

class Device {
 public:
  virtual ~Device() = default;
  virtual std::string_view kind() const = 0;
  virtual std::string library_version() const = 0;  // "torch 2.13.0"
  // RESOURCE_EXHAUSTED past the memory limit, with the figures in the message.
  virtual Result<BufferPtr> allocate(uint64_t size_bytes) = 0;
  // Grows `buffer` in place (same object), keeping its bytes. Never shrinks.
  virtual Status resize(Buffer* buffer, uint64_t size_bytes) = 0;
  // UNIMPLEMENTED when the operator is unknown here, naming it.
  virtual Result<std::unique_ptr<Call>> prepare(const ops::CallSignature& signature) = 0;
  // OUT_OF_RANGE when the range does not lie in the buffer.
  virtual Status copy_in(Buffer* buffer, uint64_t offset, std::string_view bytes) = 0;
  virtual Status copy_out(const Buffer& buffer, uint64_t offset, uint64_t size, char* out) = 0;
  virtual Status synchronize() = 0;
  // Bytes of live buffers and workspace, now and at most since the start or the last reset_peak.
  virtual uint64_t allocated_bytes() const = 0;
  virtual uint64_t peak_bytes() const = 0;
  // Taken from the system: allocated, and kept for the next allocations.
  virtual uint64_t reserved_bytes() const = 0;
  virtual void reset_peak() = 0;
  // Gives what is kept back to the system.
  virtual void trim() = 0;
};

}  // namespace moai::device
