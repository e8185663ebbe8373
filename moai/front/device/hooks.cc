#include "moai/front/device/hooks.h"

#include <atomic>

#include <ATen/detail/CUDAHooksInterface.h>

#include "moai/front/device/engine.h"
#include "moai/front/device/generator.h"
#include "moai/front/device/memory.h"
#include "moai/front/device/pinned.h"

namespace moai::front {
namespace {

using c10::DeviceIndex;

std::atomic<int64_t> g_plans_max{4096};

struct Hooks final : at::CUDAHooksInterface {
  void init() const override {}
  bool hasCUDA() const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  const at::Generator& getDefaultGenerator(DeviceIndex) const override {
    return default_generator();
  }
  at::Generator getNewGenerator(DeviceIndex) const override { return make_device_generator(); }
  at::Device getDeviceFromPtr(void* address) const override {
    TORCH_CHECK(DeviceMemory::instance().owns(address),
                "The specified pointer resides on host memory and is not registered with any CUDA "
                "device.");
    return {at::kCUDA, 0};
  }
  bool isPinnedPtr(const void* address) const override { return is_pinned_address(address); }
  at::Allocator* getPinnedMemoryAllocator() const override { return &pinned_allocator(); }
  at::Allocator* getCUDADeviceAllocator() const override { return &DeviceMemory::instance(); }
  // Plans are the Worker's own; the sizes are torch's defaults until they are set.
  int64_t cuFFTGetPlanCacheMaxSize(DeviceIndex) const override { return g_plans_max; }
  void cuFFTSetPlanCacheMaxSize(DeviceIndex, int64_t size) const override { g_plans_max = size; }
  int64_t cuFFTGetPlanCacheSize(DeviceIndex) const override { return 0; }
  void cuFFTClearPlanCache(DeviceIndex) const override {}
  DeviceIndex current_device() const override { return 0; }
  DeviceIndex deviceCount() const override { return 1; }
  int getNumGPUs() const override { return 1; }
  void setCurrentDevice(DeviceIndex) const override {}
  DeviceIndex getCurrentDevice() const override { return 0; }
  DeviceIndex exchangeDevice(DeviceIndex) const override { return 0; }
  DeviceIndex maybeExchangeDevice(DeviceIndex) const override { return 0; }
  void deviceSynchronize(DeviceIndex) const override { synchronize(); }
  std::string showConfig() const override { return "MoAI virtual device\n"; }
};

}  // namespace

void register_hooks() {
  static const c10::Registerer<std::string, std::unique_ptr<at::CUDAHooksInterface>,
                               at::CUDAHooksArgs>
      registration("CUDAHooks", at::CUDAHooksRegistry(),
                   [](at::CUDAHooksArgs) -> std::unique_ptr<at::CUDAHooksInterface> {
                     return std::make_unique<Hooks>();
                   });
  // torch caches the object at its first question, which may lie behind us. Neither class has data
  // members, so constructing ours in its place only changes what it answers.
  static_assert(sizeof(Hooks) == sizeof(at::CUDAHooksInterface));
  const at::CUDAHooksInterface& cached = at::detail::getCUDAHooks();
  if (!cached.hasCUDA()) new (const_cast<at::CUDAHooksInterface*>(&cached)) Hooks;
}

}  // namespace moai::front
