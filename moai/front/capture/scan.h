// Scan: one walk over the arguments of a call that yields its key and its changing items.
//
// The key holds everything that decides signature and shapes: the operator, geometry of tensors,
// values of ints, bools and strings. It leaves out what changes from step to step, which lands in
// `storages` and `words` in the order of ops/call.h.
#pragma once

#include <cstdint>
#include <vector>

#include "moai/front/capture/operator.h"
#include "moai/graph/window.h"

namespace moai::front {

struct Scan {
  std::vector<uint64_t> key;
  std::vector<graph::StorageId> storages;
  std::vector<uint64_t> words;
  struct HostOperand {
    size_t position;  // in storages
    at::Tensor tensor;
  };
  std::vector<HostOperand> host_operands;  // host tensors to be uploaded before the call
  struct GeneratorWords {
    size_t position;  // in words
    at::Generator generator;
  };
  std::vector<GeneratorWords> generators;

  void clear();
};

// Has no side effect but announcing storages to the driver.
void scan(const Operator& op, Arguments arguments, Scan* out);

// A Scan of this thread's stock: kernels may call each other while one is in use.
class ScanLease {
 public:
  ScanLease();
  ~ScanLease();
  ScanLease(const ScanLease&) = delete;
  ScanLease& operator=(const ScanLease&) = delete;
  Scan& operator*() { return *scan_; }
  Scan* operator->() { return scan_; }

 private:
  Scan* scan_;
};

}  // namespace moai::front
