#include "moai/comm/collective/nccl/library.h"

#include <dlfcn.h>

#include <type_traits>

namespace moai::comm {
namespace {

Status missing(const std::string& file, const std::string& what) {
  return unavailable("[comm.nccl] " + file + ": " + what);
}

std::string last_error() {
  const char* why = ::dlerror();
  return why ? why : "not found";
}

}  // namespace

std::string nccl_file(const std::string& device_kind) {
  if (device_kind == "cuda") return "libnccl.so.2";
  if (device_kind == "hip") return "librccl.so.1";
  return {};
}

std::string nccl_version_text(int version) {
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

Result<NcclLibrary> load_nccl(const std::string& file) {
  void* const handle = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) return missing(file, last_error());
  NcclLibrary found;
  nccl::Code (*version)(int*) = nullptr;
  Status status;
  const auto find = [&](auto*& function, const char* name) {
    function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(handle, name));
    if (!function && status.ok()) status = missing(file, last_error());
  };
  find(version, "ncclGetVersion");
  find(found.unique_id, "ncclGetUniqueId");
  find(found.init_rank, "ncclCommInitRankConfig");
  find(found.finalize, "ncclCommFinalize");
  find(found.destroy, "ncclCommDestroy");
  find(found.abort, "ncclCommAbort");
  find(found.async_error, "ncclCommGetAsyncError");
  find(found.error_string, "ncclGetErrorString");
  find(found.last_error, "ncclGetLastError");
  find(found.group_start, "ncclGroupStart");
  find(found.group_end, "ncclGroupEnd");
  find(found.all_reduce, "ncclAllReduce");
  find(found.reduce, "ncclReduce");
  find(found.reduce_scatter, "ncclReduceScatter");
  find(found.all_gather, "ncclAllGather");
  find(found.broadcast, "ncclBroadcast");
  find(found.send, "ncclSend");
  find(found.receive, "ncclRecv");
  MOAI_RETURN_IF_ERROR(status);
  if (const nccl::Code code = version(&found.version); code != nccl::kSuccess) {
    return missing(file, std::string("no version: ") + found.error_string(code));
  }
  if (found.version < nccl::Config::kVersionMin) {
    return missing(file, "version " + nccl_version_text(found.version) + " is older than " +
                             nccl_version_text(nccl::Config::kVersionMin));
  }
  return found;
}

}  // namespace moai::comm
