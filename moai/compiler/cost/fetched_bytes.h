// FetchedBytes: which of a call's data lie beyond the caches of its processor, from what the calls
// before it touched.
//
// A cache of C bytes has lost half of what was touched C bytes ago, all of it after 1.5 C and
// nothing before 0.5 C: between them lies how far a real one is from keeping what was used last. A
// new storage has the memory of the one of its size that was freed last, as the Worker's allocator
// gives it.
#pragma once

#include <vector>

#include "moai/compiler/cost/live_storages.h"

namespace moai::compiler::cost {

// In bytes; 0: not known, nothing is counted as beyond it.
struct Caches {
  double own = 0, shared = 0;
};

// Of 0 to 1.
double lost_part(double bytes_since, double cache_bytes);

// More than a call has to fetch when nothing else ran since it ran last. An operand that is written
// counts twice, as in CallWork.
struct FetchedBytes {
  double beyond_own = 0;  // those beyond the shared one too
  double beyond_shared = 0;
};

// By node, of a program that runs again and again.
std::vector<FetchedBytes> fetched_bytes(const graph::Window& program,
                                        const graph::SignatureTable& signatures,
                                        const StorageBytes& begin, const Caches& caches);

}  // namespace moai::compiler::cost
