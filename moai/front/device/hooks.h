// Hooks: what torch asks about the device outside of the dispatcher.
#pragma once

namespace moai::front {

// As CUDA it replaces what torch has, however often torch has asked before. Once.
void register_hooks();

}  // namespace moai::front
