// Names for content.
#pragma once

#include <string>
#include <string_view>

namespace moai::identity {

// BLAKE2b of 256 bits, as 64 hexadecimal digits.
std::string digest_hex(std::string_view content);

}  // namespace moai::identity
