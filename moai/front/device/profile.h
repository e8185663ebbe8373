// Times of operators on the device for torch's profiler: a marker before and behind each.
#pragma once

namespace moai::front {

// Once.
void register_profile();

}  // namespace moai::front
