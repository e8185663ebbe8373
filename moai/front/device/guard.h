// Device, streams and events as torch's generic code sees them.
//
// There is one device and one order of execution: streams are names. An event is a marker in the
// stream of commands; its time is the accelerator's.
#pragma once

#include <cstdint>

#include "moai/front/torch_headers.h"

namespace moai::front {

// Registers the guard with torch. Once.
void register_guard();

int64_t current_stream();
void set_current_stream(int64_t stream);
// An event recorded now.
std::shared_ptr<void> record_event();
// Milliseconds between two recorded events; waits for both.
double elapsed_ms(void* begin_event, void* end_event);

}  // namespace moai::front
