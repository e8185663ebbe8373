// Operator: what capture needs to know of an operator, resolved once per handle.
#pragma once

#include <string>
#include <vector>

#include "moai/front/torch_headers.h"

namespace moai::front {

struct Operator {
  struct Argument {
    bool written = false;           // by the schema
    bool written_silently = false;  // by the facts
    bool is_float = false;          // float, Scalar or lists of them: float values are parameters
    bool is_number = false;         // Scalar: int values are parameters too
    bool is_generator = false;
    bool on_host = false;  // the operator reads this tensor in host memory
  };
  enum class ReturnKind : uint8_t { kFresh, kWrittenArgument, kView };
  struct Return {
    ReturnKind kind = ReturnKind::kFresh;
    size_t argument = 0;  // kWrittenArgument, kView
    bool auxiliary = false;
    bool on_host = false;  // the operator leaves it in host memory
  };

  explicit Operator(c10::OperatorHandle h) : handle(std::move(h)) {}

  c10::OperatorHandle handle;
  std::string name;  // "aten::add.Tensor"
  std::vector<Argument> arguments;
  std::vector<Return> returns;
  int writes_if = -1;  // argument that must be true for silent writes to happen; -1: none
  int draws_if = -1;   // argument that must be true, None or not zero to draw; -1: none
  bool asks = false;   // only the Worker knows the shapes of the results
  bool draws = false;  // takes numbers from a generator
  bool has_generator_argument = false;
  bool mixes_devices = false;  // host tensors with dimensions may be among the arguments
};

using Arguments = c10::ArrayRef<c10::IValue>;

// Whether a call with these arguments draws from a generator, or writes what its facts say.
bool draws(const Operator& op, Arguments arguments);
bool writes_silently(const Operator& op, Arguments arguments);

// Thread-safe; the reference stays valid for ever.
const Operator& resolve(const c10::OperatorHandle& handle);

}  // namespace moai::front
