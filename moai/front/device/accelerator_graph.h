// torch.accelerator.Graph on this device: a CapturedGraph behind torch's interface.
#pragma once

namespace moai::front {

// Once.
void register_accelerator_graph();

}  // namespace moai::front
