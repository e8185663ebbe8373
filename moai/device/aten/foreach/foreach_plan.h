// ForeachPlan: how a call over lists of tensors becomes loops; null where it does not.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "moai/device/aten/foreach/loops.h"
#include "moai/ops/call.h"

namespace moai::device {

struct ForeachPlan {
  enum class Scalar : uint8_t {
    kNone,
    kAll,     // a word for all
    kEach,    // a word for each
    kTensor,  // an operand of one element, after the lists
  };
  struct Tensor {
    int64_t count = 0;         // elements
    uint64_t begin = 0;        // byte in the storage
    uint64_t bytes_least = 0;  // of the storage
  };

  loops::Kind kind = loops::Kind::kAdd;
  tensor::DType dtype = tensor::DType::kFloat32;
  bool in_place = false;
  uint32_t lists = 1;
  uint32_t length = 0;            // of each list
  std::vector<Tensor> tensors{};  // list after list, the scalar's tensor last
  Scalar scalar = Scalar::kNone;
  std::vector<bool> integers{};         // by word, whether it is an int
  std::vector<uint64_t> fresh_bytes{};  // by result; not in place
};

std::optional<ForeachPlan> plan_foreach(const ops::CallSignature& signature);

}  // namespace moai::device
