#include "moai/front/device/profile.h"

#include <c10/util/ApproximateClock.h>
#include <torch/csrc/profiler/stubs/base.h>

#include "moai/front/device/device_type.h"
#include "moai/front/device/engine.h"
#include "moai/front/device/guard.h"

namespace moai::front {
namespace {

using torch::profiler::impl::ProfilerVoidEventStub;

// Ranges and marks have no listener here.
struct Profile final : torch::profiler::impl::ProfilerStubs {
  void record(c10::DeviceIndex* device, ProfilerVoidEventStub* event,
              int64_t* cpu_ns) const override {
    if (device) *device = 0;
    *event = record_event();
    if (cpu_ns) *cpu_ns = c10::getTime();
  }
  float elapsed(const ProfilerVoidEventStub* begin,
                const ProfilerVoidEventStub* end) const override {
    return static_cast<float>(elapsed_ms(begin->get(), end->get()) * 1000);
  }
  void mark(const char*) const override {}
  void rangePush(const char*) const override {}
  void rangePop() const override {}
  bool enabled() const override { return true; }
  void onEachDevice(std::function<void(int)> visit) const override { visit(0); }
  void synchronize() const override { front::synchronize(); }
};

}  // namespace

void register_profile() {
  static Profile profile;
  if (device_type() == at::kCUDA) {
    torch::profiler::impl::registerCUDAMethods(&profile);
  } else {
    torch::profiler::impl::registerPrivateUse1Methods(&profile);
  }
}

}  // namespace moai::front
