#include <ATen/MemoryOverlap.h>

#include "moai/front/capture/capture.h"
#include "moai/front/capture/outputs.h"
#include "moai/front/capture/signature.h"
#include "moai/front/device/engine.h"
#include "moai/front/device/memory.h"
#include "moai/front/device/script.h"

namespace moai::front {
namespace {

using c10::IValue;
using dispatch::Value;
using torch::jit::Stack;

// Storages that one answer may name.
constexpr uint32_t kResultsMax = 1024;

at::Tensor tensor_of(const Value& value) {
  if (value.kind != Value::Kind::kTensor) return {};
  return adopt_tensor(to_shape(value.geometry), value.storage, value.storage_bytes);
}

IValue value_of(const Value& value, const c10::Type& type) {
  switch (value.kind) {
    case Value::Kind::kTensor:
    case Value::Kind::kUndefined:
      return tensor_of(value);
    case Value::Kind::kBool:
      return value.integer != 0;
    case Value::Kind::kInt:
      return value.integer;
    case Value::Kind::kDouble:
      return value.real;
    case Value::Kind::kNone:
      return {};
    case Value::Kind::kList:
      break;
  }
  std::vector<at::Tensor> items;
  for (const Value& item : value.items) items.push_back(tensor_of(item));
  return items;
}

// A written argument that had no memory has now what the Worker made for it.
void adopt_storage(const at::Tensor& argument, const Value& value) {
  c10::StorageImpl& storage = *argument.storage().unsafeGetStorageImpl();
  if (storage.nbytes() != 0 || value.storage == 0 || value.storage_bytes == 0) return;
  storage.set_data_ptr_noswap(
      DeviceMemory::instance().allocate_as(value.storage, value.storage_bytes, true));
  storage.set_nbytes(value.storage_bytes);
}

IValue result_of(const Operator& op, size_t index, const Value& value, Arguments arguments) {
  const Operator::Return& r = op.returns[index];
  TORCH_CHECK_NOT_IMPLEMENTED(r.kind != Operator::ReturnKind::kView, op.name,
                              ": no shape function for this view on the device");
  const c10::Type& type = *op.handle.schema().returns()[index].real_type();
  if (r.kind != Operator::ReturnKind::kWrittenArgument) {
    IValue result = value_of(value, type);
    return r.on_host && result.isTensor() ? IValue(result.toTensor().cpu()) : result;
  }
  const IValue& argument = arguments[r.argument];
  if (argument.isTensor() && value.kind == Value::Kind::kTensor) {
    const TensorShape shape = to_shape(value.geometry);
    if (argument.toTensor().sizes() != at::IntArrayRef(shape.sizes) ||
        argument.toTensor().strides() != at::IntArrayRef(shape.strides)) {
      adopt_storage(argument.toTensor(), value);
      reshape_in_place(argument.toTensor(), shape);
    }
  }
  return argument;
}

// Lengths decide shapes, so that torch takes them on the host only.
void check_lengths(const Operator& op, Arguments arguments) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (!op.arguments[i].on_host || !arguments[i].isTensor()) continue;
    const at::Tensor& t = arguments[i].toTensor();
    TORCH_CHECK(!t.defined() || t.is_cpu(), "'", op.handle.schema().arguments()[i].name(),
                "' argument should be a 1D CPU int64 tensor, but got ", t.dim(), "D ",
                t.device().str(), " ", t.scalar_type(), " tensor");
  }
}

std::vector<Value> answer_of(graph::SignatureId signature, const Scan& scan) {
  note_waiting();
  std::vector<Value> answer;
  const graph::LineId line = current_line();
  wait_for([&](driver::Driver& d, const driver::Interrupt& interrupt) -> Status {
    auto result = d.ask(signature, scan.storages, scan.words, d.next_storage(kResultsMax),
                        kResultsMax, line, interrupt);
    if (!result.ok()) return result.status();
    answer = std::move(*result);
    return ok_status();
  });
  return answer;
}

}  // namespace

void ask(const Operator& op, Stack* stack) {
  const size_t count = op.arguments.size();
  const Arguments arguments(stack->data() + (stack->size() - count), count);
  check_lengths(op, arguments);
  ScanLease scanned;
  scan(op, arguments, &*scanned);
  ops::CallSignature call = make_signature(op, arguments, nullptr);
  check_sendable(call);
  const std::vector<graph::StorageId> temporaries = complete(&*scanned);
  const graph::SignatureId signature = engine().signatures().intern(std::move(call));
  const std::vector<Value> answer = answer_of(signature, *scanned);
  TORCH_CHECK(answer.size() == op.returns.size(), "[front.ask] ", op.name, " answered ",
              answer.size(), " results instead of ", op.returns.size());
  Stack outputs;
  for (size_t i = 0; i < answer.size(); ++i) {
    outputs.push_back(result_of(op, i, answer[i], arguments));
  }
  for (const graph::StorageId id : temporaries) engine().free(id);
  torch::jit::drop(*stack, count);
  for (IValue& output : outputs) stack->push_back(std::move(output));
}

void try_out(const Operator& op, Arguments arguments) {
  Stack stack(arguments.begin(), arguments.end());
  bool writes = false;
  for (size_t i = 0; i < stack.size(); ++i) {
    if (!op.arguments[i].written || !stack[i].isTensor() || !stack[i].toTensor().defined())
      continue;
    const at::Tensor& given = stack[i].toTensor();
    // Of the same geometry, since a kernel may refuse that.
    at::Tensor copy = at::empty_strided(given.sizes(), given.strides(), given.options());
    if (at::has_internal_overlap(given) == at::MemOverlap::No) copy.copy_(given);
    stack[i] = copy;
    writes = true;
  }
  if (writes) ask(op, &stack);
}

}  // namespace moai::front
