#include "moai/front/device/device_type.h"

namespace moai::front {

void choose_device_kind(std::string_view name) {
  for (const DeviceKind& kind : {kCudaKind, kPrivateKind}) {
    if (name != kind.name) continue;
    g_device_kind = kind;
    return;
  }
  TORCH_CHECK_VALUE(false, "[front.device_type] no kind of device '", name,
                    "': MOAI_DEVICE is cuda or moai");
}

}  // namespace moai::front
