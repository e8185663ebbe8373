// The part of NCCL's interface that is used, as of its version 2.14; RCCL has the same.
#pragma once

#include <climits>
#include <cstddef>

namespace moai::comm::nccl {

using Comm = struct OpaqueComm*;
using Stream = void*;  // a device's own handle

struct UniqueId {
  char bytes[128] = {};
};

enum Code : int {
  kSuccess = 0,
  kUnhandledDeviceError = 1,
  kSystemError = 2,
  kInternalError = 3,
  kInvalidArgument = 4,
  kInvalidUsage = 5,
  kRemoteError = 6,
  kInProgress = 7,
};

enum Type : int {
  kInt8 = 0,
  kUint8 = 1,
  kInt32 = 2,
  kUint32 = 3,
  kInt64 = 4,
  kUint64 = 5,
  kFloat16 = 6,
  kFloat32 = 7,
  kFloat64 = 8,
  kBfloat16 = 9,
};

enum Op : int { kSum = 0, kProduct = 1, kMax = 2, kMin = 3 };

// As 2.14 has it; later versions take it by its size and version, and the rest by their defaults.
struct Config {
  size_t size = sizeof(Config);
  unsigned int magic = 0xcafebeef;
  unsigned int version = kVersionMin;
  int blocking = INT_MIN;
  int undefined = INT_MIN;  // where later versions have more

  static constexpr int kVersionMin = 21400;
};

}  // namespace moai::comm::nccl
