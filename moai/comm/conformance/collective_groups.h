// Groups of every kind whose ranks are threads of the test.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "moai/comm/collective/group.h"
#include "moai/comm/collective/shared_memory.h"

namespace moai::comm {

using Groups = std::vector<std::unique_ptr<Group>>;

// "shared_memory" (a mapping a rank), "one_mapping", and the kinds of links. make_groups() knows
// "nccl" too (over_nccl.h), whose ranks must not ask for different things.
std::vector<std::string> group_kinds();
// Small buffers, so that small tests need many chunks. A name that no other test uses.
SharedMemoryOptions shared_options(int rank, int size);
std::string unique_name();
// A test that hangs ends after this.
inline const GroupOptions kTestGroup = {.patience = std::chrono::seconds(20)};
Groups make_groups(const std::string& kind, int size, const GroupOptions& options = kTestGroup);

// Calls `body` for each group in a thread of its own, and waits for all.
void on_all_ranks(const Groups& groups, const std::function<void(Group&)>& body);
// The same, and returns what each said.
std::vector<Status> statuses(const Groups& groups, const std::function<Status(Group&)>& body);

// Files of segments whose names contain `name`.
std::vector<std::string> segment_files(const std::string& name);

}  // namespace moai::comm
