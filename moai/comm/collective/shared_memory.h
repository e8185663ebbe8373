// Groups of ranks on one host over one segment of shared memory.
//
// The segment has a name in /dev/shm only until the last rank has joined, belongs to the user and
// is reserved whole when it is made. It is bounded: calls of any size go through it in chunks.
// Ranks must see each other's process ids (one pid namespace); one that ends without leaving the
// group is noticed within 200 ms by who waits.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/comm/collective/group.h"

namespace moai::comm {

class Segment;

struct SharedMemoryOptions {
  std::string name{};  // the same on all ranks and used for no other group: letters, digits, -_.
  int rank = 0;
  int size = 1;                    // at most 256
  size_t slot_bytes = 256 * 1024;  // a chunk; a rank has two
  size_t mail_bytes = 64 * 1024;   // of send() between two ranks; less in groups over 11 ranks
  std::string folder = "/dev/shm";
  // What each rank is called in messages; empty: by its number.
  std::vector<int> members{};
  GroupOptions group{};
};

// Does not wait for the other ranks: the first call does. RESOURCE_EXHAUSTED: no room in /dev/shm;
// ALREADY_EXISTS: the rank is taken; FAILED_PRECONDITION: other ranks have other options.
Result<std::unique_ptr<Group>> join_shared_memory(const SharedMemoryOptions& options);

// For ranks that are threads of one process and use one mapping, which open_segment() made. Shared,
// because nobody knows which of them is the last.
Result<std::shared_ptr<Segment>> open_segment(const SharedMemoryOptions& options);
Result<std::unique_ptr<Group>> join_segment(std::shared_ptr<Segment> segment,
                                            const SharedMemoryOptions& options);

}  // namespace moai::comm
