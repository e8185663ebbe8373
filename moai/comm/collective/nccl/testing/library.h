// The test library, which is built beside test programs, and what steers it.
#pragma once

#include <dlfcn.h>

#include <string>

#include "moai/base/process.h"
#include "moai/comm/collective/nccl/library.h"

namespace moai::comm {

inline std::string test_nccl_file() { return program_directory() + "/libcomm_test_nccl.so"; }

// A function of faults.h.
template <class Function>
Function* test_nccl(const char* name) {
  void* const handle = ::dlopen(test_nccl_file().c_str(), RTLD_NOW | RTLD_LOCAL);
  return reinterpret_cast<Function*>(::dlsym(handle, name));
}
inline void set_test_nccl(const char* name, int value) { test_nccl<void(int)>(name)(value); }
inline int get_test_nccl(const char* name) { return test_nccl<int()>(name)(); }

}  // namespace moai::comm
