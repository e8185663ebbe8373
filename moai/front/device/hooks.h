// Hooks: what torch asks about CUDA outside of the dispatcher.
#pragma once

namespace moai::front {

// Makes torch take this device for CUDA, however often it has asked before. Once.
void register_hooks();

}  // namespace moai::front
