#include "moai/front/device/hooks.h"

#include <atomic>

#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>

#include "moai/front/device/device_type.h"
#include "moai/front/device/engine.h"
#include "moai/front/device/generator.h"
#include "moai/front/device/memory.h"
#include "moai/front/device/pinned.h"

namespace moai::front {
namespace {

using c10::DeviceIndex;

std::atomic<int64_t> g_plans_max{4096};

// What torch asks of either kind.
template <class Interface>
struct Hooks : Interface {
  void init() const override {}
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  const at::Generator& getDefaultGenerator(DeviceIndex) const override {
    return default_generator();
  }
  at::Generator getNewGenerator(DeviceIndex) const override { return make_device_generator(); }
  at::Device getDeviceFromPtr(void* address) const override {
    TORCH_CHECK(DeviceMemory::instance().owns(address),
                "The specified pointer resides on host memory and is not registered with any ",
                device_kind().title, " device.");
    return {device_type(), 0};
  }
  bool isPinnedPtr(const void* address) const override { return is_pinned_address(address); }
  at::Allocator* getPinnedMemoryAllocator() const override { return &pinned_allocator(); }
  DeviceIndex deviceCount() const override { return 1; }
  void setCurrentDevice(DeviceIndex) const override {}
  DeviceIndex getCurrentDevice() const override { return 0; }
  DeviceIndex exchangeDevice(DeviceIndex) const override { return 0; }
  DeviceIndex maybeExchangeDevice(DeviceIndex) const override { return 0; }
};

struct CudaHooks final : Hooks<at::CUDAHooksInterface> {
  bool hasCUDA() const override { return true; }
  at::Allocator* getCUDADeviceAllocator() const override { return &DeviceMemory::instance(); }
  // Plans are the Worker's own; the sizes are torch's defaults until they are set.
  int64_t cuFFTGetPlanCacheMaxSize(DeviceIndex) const override { return g_plans_max; }
  void cuFFTSetPlanCacheMaxSize(DeviceIndex, int64_t size) const override { g_plans_max = size; }
  int64_t cuFFTGetPlanCacheSize(DeviceIndex) const override { return 0; }
  void cuFFTClearPlanCache(DeviceIndex) const override {}
  DeviceIndex current_device() const override { return 0; }
  int getNumGPUs() const override { return 1; }
  void deviceSynchronize(DeviceIndex) const override { synchronize(); }
  std::string showConfig() const override { return "MoAI virtual device\n"; }
};

struct PrivateHooks final : Hooks<at::PrivateUse1HooksInterface> {
  void resizePrivateUse1Bytes(const c10::Storage& storage, size_t size_bytes) const override {
    resize(*storage.unsafeGetStorageImpl(), size_bytes);
  }
};

void register_cuda_hooks() {
  static const c10::Registerer<std::string, std::unique_ptr<at::CUDAHooksInterface>,
                               at::CUDAHooksArgs>
      registration("CUDAHooks", at::CUDAHooksRegistry(),
                   [](at::CUDAHooksArgs) -> std::unique_ptr<at::CUDAHooksInterface> {
                     return std::make_unique<CudaHooks>();
                   });
  // torch caches the object at its first question, which may lie behind us. Neither class has data
  // members, so constructing ours in its place only changes what it answers.
  static_assert(sizeof(CudaHooks) == sizeof(at::CUDAHooksInterface));
  const at::CUDAHooksInterface& cached = at::detail::getCUDAHooks();
  if (!cached.hasCUDA()) new (const_cast<at::CUDAHooksInterface*>(&cached)) CudaHooks;
}

}  // namespace

void register_hooks() {
  if (device_type() == at::kCUDA) return register_cuda_hooks();
  at::RegisterPrivateUse1HooksInterface(new PrivateHooks);  // torch keeps it
}

}  // namespace moai::front
