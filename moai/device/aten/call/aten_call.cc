#include "moai/device/aten/call/aten_call.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <c10/core/TensorOptions.h>

#include "moai/device/aten/call/thread_trial.h"
#include "moai/device/aten/call/threads.h"
#include "moai/device/aten/errors.h"
#include "moai/ops/facts.h"
#include "moai/ops/share.h"

namespace moai::device {
namespace {

// A trial costs some ten runs, and of a script whose shapes keep changing most calls run once.
constexpr unsigned kRunsBeforeTrial = 32;

// While it lives, operators of this thread go straight to the kernels.
struct BelowAutograd {
  at::AutoDispatchBelowADInplaceOrView below;
  c10::AutoGradMode no_grad{false};
};

std::string full_name(const ops::CallSignature& s) {
  return s.overload.empty() ? s.op : s.op + "." + s.overload;
}

Status no_random_kernel(const std::string& name) {
  return unimplemented(name + ": drawing random numbers is not implemented on the device");
}

std::optional<size_t> argument_named(const c10::FunctionSchema& schema, std::string_view name) {
  for (size_t i = 0; i < schema.arguments().size(); ++i) {
    if (schema.arguments()[i].name() == name) return i;
  }
  return std::nullopt;
}

}  // namespace

AtenCall::AtenCall(c10::OperatorHandle op, Arguments arguments, const ops::CallSignature& signature,
                   c10::Device device)
    : op_(std::move(op)),
      device_(device),
      keys_(c10::computeDispatchKey(std::nullopt, std::nullopt, device)),
      arguments_(std::move(arguments)),
      results_(signature.results, device) {}

Result<std::unique_ptr<Call>> AtenCall::make(const ops::CallSignature& signature,
                                             c10::Device device) {
  if (ops::share_argument(signature)) return make_part(signature, device);
  auto op = c10::Dispatcher::singleton().findSchema({signature.op, signature.overload});
  if (!op) {
    return unimplemented(full_name(signature) + ": the Worker's libtorch has no such operator");
  }
  MOAI_ASSIGN_OR_RETURN(Arguments arguments, Arguments::make(op->schema(), signature, device));
  std::unique_ptr<AtenCall> call(new AtenCall(*op, std::move(arguments), signature, device));
  MOAI_RETURN_IF_ERROR(call->choose_kernel(signature));
  call->choose_threads(signature);
  return std::unique_ptr<Call>(std::move(call));
}

Result<std::unique_ptr<Call>> AtenCall::make_part(const ops::CallSignature& signature,
                                                  c10::Device device) {
  const auto share = ops::share_of(signature);
  if (!share) {
    return invalid_argument("[device.aten] no part of what the call draws: " +
                            to_string(signature));
  }
  std::vector<ElementDigit> digits;
  for (const ops::ShareDigit& d : *share) digits.push_back({d.whole, d.begin, d.size});
  ops::CallSignature plain = signature;
  plain.args.pop_back();
  MOAI_ASSIGN_OR_RETURN(std::unique_ptr<Call> call, make(plain, device));
  static_cast<AtenCall&>(*call).elements_.emplace(digits);
  return call;
}

Status AtenCall::choose_kernel(const ops::CallSignature& signature) {
  drawing_ = find_drawing_kernel(signature.op, signature.overload);
  if (drawing_ && !arguments_.has_generator()) {
    return invalid_argument("[device.aten] no generator: " + full_name(signature));
  }
  if (drawing_) return ok_status();
  if (arguments_.has_generator()) {
    const ops::OpFacts* facts = ops::op_facts(signature.op, signature.overload);
    if (facts && !facts->draws_if.empty()) {
      draws_if_ = argument_named(op_.schema(), facts->draws_if);
    }
    if (!draws_if_) return no_random_kernel(full_name(signature));
  }
  substitute_ =
      device_.is_cpu() ? find_substitute(signature) : find_accelerator_substitute(signature);
  if (substitute_) return ok_status();
  if (!op_.hasComputedKernelForDispatchKey(keys_.highestPriorityTypeId())) {
    return unimplemented(full_name(signature) + ": no kernel on device kind " + device_.str());
  }
  return ok_status();
}

void AtenCall::choose_threads(const ops::CallSignature& signature) {
  if (!device_.is_cpu() || device_threads() == 1) return;
  const ThreadRule rule = thread_rule(signature);
  one_thread_ = rule == ThreadRule::kOne;
  if (rule == ThreadRule::kTrial) untried_ = std::make_unique<ops::CallSignature>(signature);
}

void AtenCall::try_one_thread() {
  if (!untried_ || ++runs_ < kRunsBeforeTrial) return;
  const auto signature = std::move(untried_);
  one_thread_ = same_on_one_thread(*signature,
                                   [this](bool one_thread, auto operands, auto words, auto fresh) {
                                     one_thread_ = one_thread;
                                     return run(operands, words, fresh);
                                   });
}

bool AtenCall::draws() const {
  const c10::IValue& value = arguments_.value(*draws_if_);
  if (value.isNone()) return true;
  if (value.isBool()) return value.toBool();
  return value.isScalar() && value.toScalar().toDouble() != 0;
}

Status AtenCall::execute(std::span<Buffer* const> operands, std::span<const uint64_t> words) {
  MOAI_RETURN_IF_ERROR(arguments_.bind(operands, words, &stack_));
  if (device_.is_cpu()) use_threads(one_thread_ ? 1 : device_threads());
  if (drawing_) {
    (*drawing_)(stack_, {.seed = arguments_.seed(),
                         .counter = arguments_.counter(),
                         .elements = elements_ ? &*elements_ : nullptr});
  } else if (draws_if_ && draws()) {
    return no_random_kernel(toString(op_.operator_name()));
  } else if (substitute_) {
    substitute_(stack_);
  } else if (arguments_.has_lazy_operand()) {
    op_.callBoxed(&stack_);
  } else {
    op_.redispatchBoxed(keys_, &stack_);
  }
  arguments_.settle(operands);
  return ok_status();
}

void AtenCall::finish() {
  stack_.clear();
  arguments_.release();
}

Status AtenCall::run(std::span<Buffer* const> operands, std::span<const uint64_t> words,
                     std::span<BufferPtr> fresh) {
  try_one_thread();
  const BelowAutograd below;
  Status status = without_exceptions([&]() -> Status {
    MOAI_RETURN_IF_ERROR(execute(operands, words));
    return results_.bind(&stack_, fresh);
  });
  finish();
  return status;
}

Result<std::vector<DynamicValue>> AtenCall::ask(std::span<Buffer* const> operands,
                                                std::span<const uint64_t> words) {
  const BelowAutograd below;
  auto values = without_exceptions([&]() -> Result<std::vector<DynamicValue>> {
    MOAI_RETURN_IF_ERROR(execute(operands, words));
    return dynamic_results(&stack_, arguments_, device_);
  });
  finish();
  return values;
}

}  // namespace moai::device
