#include "moai/compiler/planner/unshared.h"

namespace moai::compiler {

std::string unshared_context(const Degrees& degrees, int64_t tokens) {
  if (tokens >= degrees.cp) return {};
  if (tokens == 0) {
    return degrees.cp == 1
               ? ""
               : "no sequence was recognized, so that cp shares no work: calls need all "
                 "tokens at once, or there is one";
  }
  return "a sequence has " + std::to_string(tokens) +
         " tokens, fewer than cp: every device computes all of them";
}

}  // namespace moai::compiler
