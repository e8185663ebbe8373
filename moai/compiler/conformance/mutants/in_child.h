// answer_in_child: runs what may write where it should not.
#pragma once

#include <chrono>
#include <functional>
#include <optional>

#include "moai/base/status.h"

namespace moai::compiler {

// What `question` answers in a child process; nothing when a signal ended the child, as after a
// write outside a storage. Error when no process can be started, and when there is no answer
// within `deadline`: the child is killed. Call it while no other thread of this process runs.
Result<std::optional<bool>> answer_in_child(const std::function<bool()>& question,
                                            std::chrono::seconds deadline);

}  // namespace moai::compiler
