// Inference: the results of a call from the geometry of its arguments, in C++.
//
// `import torch` puts Python functions before torch's C++ shape functions in the dispatcher; these
// are reached without it, which takes a microsecond or two instead of hundreds.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "moai/front/torch_headers.h"

namespace moai::front::shape {

struct Inference {
  bool keeps = false;                // every result is an argument, with its shape unchanged
  std::vector<c10::IValue> results;  // meta tensors in place of tensors; empty with `keeps`
  bool lays_out = false;             // written arguments have the strides that they end with
};

// The answer for operator `name` ("aten::add.Tensor"); absent where no shape function is known.
// Raises what torch raises for arguments that do not fit together. Thread-safe.
std::optional<Inference> infer(std::string_view name, const c10::OperatorHandle& handle,
                               c10::ArrayRef<c10::IValue> arguments);

// Whether infer answers for `name`.
bool knows(std::string_view name);

}  // namespace moai::front::shape
