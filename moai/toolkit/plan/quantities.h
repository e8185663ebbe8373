// Seconds and bytes as people read them, three digits each.
#pragma once

#include <cstdint>
#include <string>

namespace moai::toolkit {

std::string seconds_text(double seconds);  // "12.3 ms", "870 us", "2.41 s"
std::string bytes_text(uint64_t bytes);    // "1.24 GiB", "812 MiB", "96 B"

}  // namespace moai::toolkit
