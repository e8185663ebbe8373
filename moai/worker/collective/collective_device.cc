#include "moai/worker/collective/collective_device.h"

#include "moai/worker/collective/collective_call.h"

namespace moai::worker {

Result<std::unique_ptr<device::Call>> CollectiveDevice::prepare(
    const ops::CallSignature& signature) {
  if (!is_collective(signature.op)) return device_.prepare(signature);
  return make_collective_call(signature, &device_, &groups_);
}

}  // namespace moai::worker
