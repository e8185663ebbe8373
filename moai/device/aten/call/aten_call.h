// AtenCall: one call signature, resolved for libtorch.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

#include <memory>
#include <string>

#include "moai/device/aten/call/arguments.h"
#include "moai/device/aten/call/results.h"
#include "moai/device/aten/random/drawing.h"
#include "moai/device/aten/random/elements.h"
#include "moai/device/aten/substitution/substitution.h"
#include "moai/device/device.h"

namespace moai::device {

class AtenCall final : public Call {
 public:
  // UNIMPLEMENTED when the operator is unknown or has no kernel on `device`, and for one that draws
  // random numbers without a drawing kernel of ours. May throw.
  static Result<std::unique_ptr<Call>> make(const ops::CallSignature& signature,
                                            c10::Device device);

  Status run(std::span<Buffer* const> operands, std::span<const uint64_t> words,
             std::span<BufferPtr> fresh) override;
  Result<std::vector<DynamicValue>> ask(std::span<Buffer* const> operands,
                                        std::span<const uint64_t> words) override;

 private:
  // Of a call whose last argument says which part it draws.
  static Result<std::unique_ptr<Call>> make_part(const ops::CallSignature& signature,
                                                 c10::Device device);
  AtenCall(c10::OperatorHandle op, Arguments arguments, const ops::CallSignature& signature,
           c10::Device device);
  Status execute(std::span<Buffer* const> operands, std::span<const uint64_t> words);
  Status choose_kernel(const ops::CallSignature& signature);
  void choose_threads(const ops::CallSignature& signature);
  void try_one_thread();
  bool draws() const;
  void finish();

  c10::OperatorHandle op_;
  c10::Device device_;
  c10::DispatchKeySet keys_;
  Arguments arguments_;
  Results results_;
  // At most one of these; the library's kernel without.
  const DrawingKernel* drawing_ = nullptr;
  std::optional<Elements> elements_;  // of a call that draws a part
  Substitute substitute_ = nullptr;
  // The argument that decides whether the call draws, where there is no drawing kernel.
  std::optional<size_t> draws_if_;
  bool one_thread_ = false;
  // Of a call whose threads a trial decides, until it has run often enough to be worth one.
  std::unique_ptr<const ops::CallSignature> untried_;
  unsigned runs_ = 0;
  torch::jit::Stack stack_;
};

}  // namespace moai::device
