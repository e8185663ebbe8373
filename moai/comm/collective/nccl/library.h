// NcclLibrary: the functions of NCCL, or of RCCL, found in a library when a device needs them.
#pragma once

#include <string>

#include "moai/base/status.h"
#include "moai/comm/collective/nccl/abi.h"

namespace moai::comm {

struct NcclLibrary {
  int version = 0;  // major * 10000 + minor * 100 + patch

  nccl::Code (*unique_id)(nccl::UniqueId*) = nullptr;
  nccl::Code (*init_rank)(nccl::Comm*, int ranks, nccl::UniqueId, int rank,
                          nccl::Config*) = nullptr;
  nccl::Code (*finalize)(nccl::Comm) = nullptr;
  nccl::Code (*destroy)(nccl::Comm) = nullptr;
  nccl::Code (*abort)(nccl::Comm) = nullptr;
  nccl::Code (*async_error)(nccl::Comm, nccl::Code*) = nullptr;
  const char* (*error_string)(nccl::Code) = nullptr;
  const char* (*last_error)(nccl::Comm) = nullptr;
  nccl::Code (*group_start)() = nullptr;
  nccl::Code (*group_end)() = nullptr;
  nccl::Code (*all_reduce)(const void* in, void* out, size_t count, nccl::Type, nccl::Op,
                           nccl::Comm, nccl::Stream) = nullptr;
  nccl::Code (*reduce)(const void* in, void* out, size_t count, nccl::Type, nccl::Op, int root,
                       nccl::Comm, nccl::Stream) = nullptr;
  nccl::Code (*reduce_scatter)(const void* in, void* out, size_t count_out, nccl::Type, nccl::Op,
                               nccl::Comm, nccl::Stream) = nullptr;
  nccl::Code (*all_gather)(const void* in, void* out, size_t count_in, nccl::Type, nccl::Comm,
                           nccl::Stream) = nullptr;
  nccl::Code (*broadcast)(const void* in, void* out, size_t count, nccl::Type, int root, nccl::Comm,
                          nccl::Stream) = nullptr;
  nccl::Code (*send)(const void* in, size_t count, nccl::Type, int peer, nccl::Comm,
                     nccl::Stream) = nullptr;
  nccl::Code (*receive)(void* out, size_t count, nccl::Type, int peer, nccl::Comm,
                        nccl::Stream) = nullptr;
};

// "libnccl.so.2" of cuda, "librccl.so.1" of hip; empty for kinds that have none.
std::string nccl_file(const std::string& device_kind);

// It stays loaded while the process lives. UNAVAILABLE, naming what is missing: the file, one of
// the functions, or version 2.14, the first whose calls do not block.
Result<NcclLibrary> load_nccl(const std::string& file);

// "2.28.9"
std::string nccl_version_text(int version);

}  // namespace moai::comm
