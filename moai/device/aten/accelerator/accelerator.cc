#include "moai/device/aten/accelerator/accelerator.h"

#include <ATen/Context.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <dlfcn.h>
#include <torch/headeronly/version.h>

#include "moai/device/aten/errors.h"

namespace moai::device {
namespace {

Status missing(const std::string& kind, const std::string& what) {
  return failed_precondition("[device.accelerator] no device of kind " + kind + ": " + what);
}

// It stays loaded: its kernels are registered with the library for good.
Status load_library(const std::string& kind) {
  if (c10::impl::hasDeviceGuardImpl(c10::kCUDA)) return ok_status();
  const std::string file = "libtorch_" + kind + ".so";
  if (!::dlopen(file.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
    const char* why = ::dlerror();
    return missing(kind, std::string(why ? why : file) +
                             "; the Worker's libtorch " TORCH_VERSION " must be a build for " +
                             kind + ", or LD_LIBRARY_PATH lead to one of this version");
  }
  if (c10::impl::hasDeviceGuardImpl(c10::kCUDA)) return ok_status();
  return missing(kind, file + " has no such devices");
}

}  // namespace

Result<c10::Device> open_accelerator(const std::string& kind, int index) {
  MOAI_RETURN_IF_ERROR(load_library(kind));
  const Status started = without_exceptions([] {
    at::globalContext().lazyInitDevice(c10::kCUDA);
    at::globalContext().setAllowTF32CuBLAS(false);
    at::globalContext().setAllowTF32CuDNN(false);
    return ok_status();
  });
  if (!started.ok()) return missing(kind, started.message());
  const auto* devices = c10::impl::getDeviceGuardImpl(c10::kCUDA);
  const int count = devices->deviceCount();
  if (index >= count) {
    return missing(kind, "index " + std::to_string(index) + " of " + std::to_string(count));
  }
  const c10::Device device(c10::kCUDA, static_cast<c10::DeviceIndex>(index));
  return device;
}

}  // namespace moai::device
