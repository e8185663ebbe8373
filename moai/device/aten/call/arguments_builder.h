// Builds Arguments from a signature and the operator's schema; internal to arguments.cc.
#pragma once

#include <string>

#include "moai/device/aten/call/arguments.h"

namespace moai::device {

class Arguments::Builder {
 public:
  explicit Builder(Arguments* out) : out_(*out) {}
  Status build(const c10::FunctionSchema& schema, const ops::CallSignature& signature);

 private:
  Result<c10::IValue> value_of(const ops::Arg& arg, const c10::TypePtr& type, Place place);
  Result<c10::IValue> list_of(const ops::Arg& arg, const c10::TypePtr& type, size_t argument);
  c10::IValue operand(const ops::Arg& arg, const Place& place);
  c10::IValue word(const ops::Arg& arg, const Place& place);

  Arguments& out_;
};

}  // namespace moai::device
