// A call of `moai::` that several ranks make together.
#pragma once

#include <memory>
#include <string_view>

#include "moai/worker/collective/collective_device.h"

namespace moai::worker {

bool is_collective(std::string_view op);

// As CollectiveDevice::prepare.
Result<std::unique_ptr<device::Call>> make_collective_call(const ops::CallSignature& signature,
                                                           device::Device* device, Groups* groups);

}  // namespace moai::worker
