// Where a command reads and writes.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>

namespace moai::toolkit {

struct Terminal {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
};

// Asks "Selection (1-13, q, Q): " until one of the numbers, q or Q comes; input need not be a
// terminal. Nothing: q, or the end of the input.
std::optional<uint32_t> select(Terminal& terminal, uint32_t first, uint32_t last);

}  // namespace moai::toolkit
