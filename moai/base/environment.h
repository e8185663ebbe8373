// The environment of this process. No other file reads it.
#pragma once

#include <optional>
#include <string>

namespace moai {

// The value of a variable; nothing when it is not set. May be empty. Thread-safe as long as nobody
// changes the environment meanwhile.
std::optional<std::string> environment(const char* name);

}  // namespace moai
