#include "moai/device/fake/fake_device.h"

#include "moai/device/fake/fake_call.h"
#include "moai/device/fake/fake_memory.h"

namespace moai::device {
namespace {

Status check_range(const Buffer& buffer, uint64_t offset, uint64_t size) {
  const uint64_t total = buffer.size_bytes();
  if (offset <= total && size <= total - offset) return ok_status();
  return {Code::kOutOfRange, "[device.fake] bytes " + std::to_string(offset) + " + " +
                                 std::to_string(size) + " do not lie in a storage of " +
                                 std::to_string(total)};
}

class Implementation final : public FakeDevice {
 public:
  explicit Implementation(FakeOptions options) : state_(std::move(options)) {}

  std::string_view kind() const override { return state_.options.device.kind; }
  std::string library_version() const override { return "torch 2.13.0"; }
  Result<BufferPtr> allocate(uint64_t size_bytes) override {
    MOAI_ASSIGN_OR_RETURN(auto buffer, FakeBuffer::make(&state_.memory, size_bytes));
    return BufferPtr(std::move(buffer));
  }
  Status resize(Buffer* buffer, uint64_t size_bytes) override {
    if (size_bytes <= buffer->size_bytes()) return ok_status();
    return static_cast<FakeBuffer*>(buffer)->grow(size_bytes);
  }
  uint64_t prepared() const override { return prepared_; }
  Result<std::unique_ptr<Call>> prepare(const ops::CallSignature& signature) override {
    ++prepared_;
    return make_fake_call(signature, &state_);
  }
  Status copy_in(Buffer* buffer, uint64_t offset, std::string_view bytes) override {
    MOAI_RETURN_IF_ERROR(check_range(*buffer, offset, bytes.size()));
    if (bytes.empty()) return ok_status();
    std::memcpy(static_cast<FakeBuffer*>(buffer)->data() + offset, bytes.data(), bytes.size());
    return ok_status();
  }
  Status copy_out(const Buffer& buffer, uint64_t offset, uint64_t size, char* out) override {
    MOAI_RETURN_IF_ERROR(check_range(buffer, offset, size));
    if (size) std::memcpy(out, static_cast<const FakeBuffer&>(buffer).data() + offset, size);
    return ok_status();
  }
  Status synchronize() override { return ok_status(); }
  uint64_t allocated_bytes() const override { return state_.memory.live(); }
  uint64_t peak_bytes() const override { return state_.memory.peak(); }
  uint64_t reserved_bytes() const override { return state_.memory.reserved(); }
  void reset_peak() override { state_.memory.reset_peak(); }
  void trim() override { state_.memory.trim(); }

  uint64_t now_ns() const override { return state_.now_ns; }
  uint64_t calls() const override { return state_.calls; }
  void fail_allocations(bool on) override { state_.memory.fail(on); }

 private:
  FakeState state_;
  uint64_t prepared_ = 0;
};

}  // namespace

std::unique_ptr<FakeDevice> make_fake_device(FakeOptions options) {
  return std::make_unique<Implementation>(std::move(options));
}

}  // namespace moai::device
