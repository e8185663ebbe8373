// copy_bytes: memmove that takes null with no bytes.
#pragma once

#include <cstddef>
#include <cstring>

namespace moai::comm {

inline void copy_bytes(std::byte* to, const void* from, size_t bytes) {
  if (bytes > 0 && to != from) std::memmove(to, from, bytes);
}

}  // namespace moai::comm
