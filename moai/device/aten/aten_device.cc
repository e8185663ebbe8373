#include "moai/device/aten/aten_device.h"

#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/headeronly/version.h>

#include <algorithm>
#include <cstring>

#include "moai/device/aten/accelerator/accelerator.h"
#include "moai/device/aten/accelerator/accelerator_memory.h"
#include "moai/device/aten/accelerator/limited_call.h"
#include "moai/device/aten/aten_buffer.h"
#include "moai/device/aten/call/aten_call.h"
#include "moai/device/aten/call/tensors.h"
#include "moai/device/aten/call/threads.h"
#include "moai/device/aten/errors.h"
#include "moai/device/aten/foreach/foreach_call.h"
#include "moai/device/aten/memory/cpu_memory.h"

namespace moai::device {
namespace {

// Uploads of at most so many bytes go through page-locked memory, and nobody waits for them; the
// library keeps what it locked.
constexpr uint64_t kStagedBytesMax = uint64_t{4} << 20;

Status outside(uint64_t offset, uint64_t size, uint64_t total) {
  return {Code::kOutOfRange, "[device.aten] bytes " + std::to_string(offset) + " + " +
                                 std::to_string(size) + " do not lie in a storage of " +
                                 std::to_string(total)};
}

bool lies_in(uint64_t offset, uint64_t size, uint64_t total) {
  return offset <= total && size <= total - offset;
}

// The bytes of a storage as a tensor.
at::Tensor bytes_of(const c10::Storage& storage, uint64_t offset, uint64_t size,
                    c10::Device device) {
  tensor::Geometry g{.dtype = tensor::DType::kUInt8,
                     .sizes = {static_cast<int64_t>(size)},
                     .strides = {1},
                     .offset = static_cast<int64_t>(offset)};
  return make_tensor(g, storage, device);
}

class AtenDevice final : public Device {
 public:
  AtenDevice(std::string kind, c10::Device device, uint64_t limit_bytes)
      : kind_(std::move(kind)),
        device_(device),
        memory_(cpu_memory()),
        accelerator_(device, limit_bytes) {
    memory_.set_limit(device.is_cpu() ? limit_bytes : 0);
    memory_.reset_peak();
  }
  ~AtenDevice() override { memory_.set_limit(0); }

  std::string_view kind() const override { return kind_; }
  std::string library_version() const override { return "torch " TORCH_VERSION; }

  Result<BufferPtr> allocate(uint64_t size_bytes) override {
    return without_exceptions([&]() -> Result<BufferPtr> {
      check_limit(size_bytes);
      return BufferPtr(std::make_unique<AtenBuffer>(make_storage(size_bytes, device_)));
    });
  }

  Status resize(Buffer* buffer, uint64_t size_bytes) override {
    return without_exceptions([&] {
      const c10::Storage& storage = AtenBuffer::of(*buffer).storage();
      const uint64_t kept = storage.nbytes();
      if (size_bytes <= kept) return ok_status();
      check_limit(size_bytes);
      c10::Storage larger = make_storage(size_bytes, device_);
      if (kept) copy(larger, storage, kept);
      c10::StorageImpl* impl = storage.unsafeGetStorageImpl();
      impl->set_data_ptr_noswap(
          std::move(larger.unsafeGetStorageImpl()->_mutable_data_ptr_no_checks()));
      impl->set_nbytes(size_bytes);
      return ok_status();
    });
  }

  Result<std::unique_ptr<Call>> prepare(const ops::CallSignature& signature) override {
    if (auto loops = make_foreach_call(signature, device_)) return loops;
    MOAI_ASSIGN_OR_RETURN(auto call,
                          without_exceptions([&] { return AtenCall::make(signature, device_); }));
    if (device_.is_cpu()) return call;
    return limited_call(std::move(call), signature, &accelerator_);
  }

  Status copy_in(Buffer* buffer, uint64_t offset, std::string_view bytes) override {
    return without_exceptions([&] {
      const c10::Storage& storage = AtenBuffer::of(*buffer).storage();
      if (!lies_in(offset, bytes.size(), storage.nbytes())) {
        return outside(offset, bytes.size(), storage.nbytes());
      }
      if (bytes.empty()) return ok_status();
      if (device_.is_cpu()) {
        std::memcpy(static_cast<char*>(storage.mutable_data()) + offset, bytes.data(),
                    bytes.size());
        return ok_status();
      }
      upload(bytes_of(storage, offset, bytes.size(), device_), bytes);
      return ok_status();
    });
  }

  Status copy_out(const Buffer& buffer, uint64_t offset, uint64_t size, char* out) override {
    return without_exceptions([&] {
      const c10::Storage& storage = AtenBuffer::of(buffer).storage();
      if (!lies_in(offset, size, storage.nbytes())) return outside(offset, size, storage.nbytes());
      if (size == 0) return ok_status();
      if (device_.is_cpu()) {
        std::memcpy(out, static_cast<const char*>(storage.data()) + offset, size);
        return ok_status();
      }
      at::from_blob(out, {static_cast<int64_t>(size)}, at::kByte)
          .copy_(bytes_of(storage, offset, size, device_));
      return ok_status();
    });
  }

  Status synchronize() override {
    return without_exceptions([&] {
      if (!device_.is_cpu())
        c10::impl::getDeviceGuardImpl(device_.type())->synchronizeDevice(device_.index());
      return ok_status();
    });
  }

  uint64_t allocated_bytes() const override { return figures().live; }
  uint64_t peak_bytes() const override { return figures().peak; }
  uint64_t reserved_bytes() const override { return figures().reserved; }
  void reset_peak() override {
    device_.is_cpu() ? memory_.reset_peak() : accelerator_.reset_peak();
  }
  void trim() override { device_.is_cpu() ? memory_.trim(0) : accelerator_.trim(); }

 private:
  BlockCache::Figures figures() const {
    return device_.is_cpu() ? memory_.figures() : accelerator_.figures();
  }
  // The CPU's allocator checks its limit itself, workspace included.
  void check_limit(uint64_t size_bytes) const {
    if (!device_.is_cpu()) accelerator_.check(size_bytes);
  }

  static void upload(const at::Tensor& to, std::string_view bytes) {
    const auto size = static_cast<int64_t>(bytes.size());
    if (bytes.size() > kStagedBytesMax) {
      to.copy_(at::from_blob(const_cast<char*>(bytes.data()), {size}, at::kByte));
      return;
    }
    const at::Tensor staged =
        at::empty({size}, at::TensorOptions().dtype(at::kByte).pinned_memory(true));
    std::memcpy(staged.mutable_data_ptr(), bytes.data(), bytes.size());
    to.copy_(staged, /*non_blocking=*/true);
  }

  void copy(const c10::Storage& to, const c10::Storage& from, uint64_t size) const {
    bytes_of(to, 0, size, device_).copy_(bytes_of(from, 0, size, device_));
  }

  const std::string kind_;
  const c10::Device device_;
  BlockCache& memory_;
  const AcceleratorMemory accelerator_;  // of a device that is none of the CPU's
};

Result<c10::Device> device_of(const DeviceOptions& options) {
  if (options.kind == "cpu") return c10::Device(c10::kCPU);
  if (options.kind != "cuda" && options.kind != "hip") {
    return invalid_argument("[device.aten] unknown kind of device: " + options.kind +
                            "; expected cpu, cuda or hip");
  }
  return open_accelerator(options.kind, options.index);
}

}  // namespace

Result<std::unique_ptr<Device>> make_aten_device(const DeviceOptions& options) {
  return without_exceptions([&]() -> Result<std::unique_ptr<Device>> {
    MOAI_ASSIGN_OR_RETURN(const c10::Device device, device_of(options));
    set_device_threads(std::max(1, options.threads));
    if (at::get_num_interop_threads() != 1) at::set_num_interop_threads(1);
    return std::unique_ptr<Device>(
        std::make_unique<AtenDevice>(options.kind, device, options.memory_bytes));
  });
}

}  // namespace moai::device
