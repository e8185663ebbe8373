// The CPU allocator of a Worker process: every libtorch allocation on the CPU comes from one
// BlockCache, so that kernels' workspace is counted like tensors.
#pragma once

#include <string>

#include "moai/device/aten/memory/block_cache.h"

namespace moai::device {

// Installs the allocator in libtorch at the first call and returns its cache, which lives as long
// as the process: libtorch keeps a pointer to it. Call before other threads use libtorch. Past the
// limit allocations throw c10::OutOfMemoryError with out_of_memory_text.
BlockCache& cpu_memory();

// "CUDA out of memory. Tried to allocate 20.00 MiB. …": scripts look for these words.
std::string out_of_memory_text(uint64_t size_bytes, const BlockCache::Figures& figures);

}  // namespace moai::device
