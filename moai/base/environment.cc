#include "moai/base/environment.h"

#include <cstdlib>

namespace moai {

std::optional<std::string> environment(const char* name) {
  const char* value = std::getenv(name);
  if (!value) return std::nullopt;
  return std::string(value);
}

}  // namespace moai
