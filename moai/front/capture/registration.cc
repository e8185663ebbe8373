#include "moai/front/capture/registration.h"

#include <ATen/native/transformers/attention.h>

#include <unordered_set>

#include "moai/front/capture/attention.h"
#include "moai/front/capture/capture.h"
#include "moai/front/capture/copy.h"
#include "moai/front/capture/private_use.h"
#include "moai/front/capture/sparse.h"
#include "moai/front/capture/views.h"
#include "moai/front/device/accelerator_graph.h"
#include "moai/front/device/device_type.h"
#include "moai/front/device/guard.h"
#include "moai/front/device/hooks.h"
#include "moai/front/device/memory.h"
#include "moai/front/device/pinned.h"
#include "moai/front/device/profile.h"

namespace moai::front {
namespace {

using c10::DispatchKey;
using c10::OperatorHandle;

size_t g_whole_operators = 0;

// Libraries are never taken down: tensors may outlive any point at which they could be.
torch::Library& library(const char* name, DispatchKey key) {
  return *new torch::Library(torch::Library::IMPL, name, key, __FILE__, __LINE__);
}

// In torch's words for an operator without a kernel.
void refuse(const OperatorHandle& op, c10::DispatchKeySet keys, torch::jit::Stack*) {
  TORCH_CHECK_NOT_IMPLEMENTED(false, "Could not run '", op.operator_name(),
                              "' with arguments from the '", keys.highestPriorityTypeId(),
                              "' backend: the device has no kernel for it "
                              "(docs/compatibility-torch.md lists what it has).");
}

// They make quantized and nested tensors, which no Worker is sent.
constexpr const char* kRefused[] = {"quantize_per_tensor",
                                    "quantize_per_tensor.tensor_qparams",
                                    "quantize_per_tensor.tensors",
                                    "quantize_per_tensor_dynamic",
                                    "quantize_per_channel",
                                    "_empty_affine_quantized",
                                    "_empty_per_channel_affine_quantized",
                                    "_make_per_tensor_quantized_tensor",
                                    "_make_per_channel_quantized_tensor",
                                    "_nested_tensor_from_mask",
                                    "_nested_from_padded",
                                    "_nested_tensor_from_tensor_list",
                                    "_nested_view_from_buffer",
                                    "_nested_view_from_buffer_copy"};

// A tensor known to be zero has no memory, which a Worker could not tell.
at::Tensor zero_tensor(c10::SymIntArrayRef sizes, std::optional<c10::ScalarType> dtype,
                       std::optional<c10::Layout>, std::optional<c10::Device>,
                       std::optional<bool>) {
  return at::zeros(C10_AS_INTARRAYREF_SLOW(sizes),
                   at::TensorOptions().dtype(dtype).device(device_type()));
}

bool no_cudnn(const at::Tensor&, const at::Tensor&, at::IntArrayRef, at::IntArrayRef, int64_t) {
  return false;
}
bool no_cudnn_tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const at::Tensor&,
                     int64_t) {
  return false;
}

bool is_pinned(const at::Tensor& t, std::optional<c10::Device>) {
  return t.is_cpu() && t.has_storage() && is_pinned_address(t.storage().data());
}

void record_stream(at::Tensor&, c10::Stream) {}

void register_own_kernels(torch::Library& aten) {
  aten.impl("empty.memory_format", &empty);
  aten.impl("empty_strided", &empty_strided);
  aten.impl("as_strided", &as_strided);
  aten.impl("view", &view);
  aten.impl("_unsafe_view", &view);  // torch writes results through it
  aten.impl("_reshape_alias", &reshape_alias);
  aten.impl("resize_", &resize_);
  aten.impl("set_.source_Storage_storage_offset", &set_storage_);
  aten.impl("set_.source_Storage", &set_whole_storage_);
  aten.impl("set_.source_Tensor", &set_tensor_);
  aten.impl("set_", &set_nothing_);
  aten.impl("is_set_to", &is_set_to);
  aten.impl("copy_", &copy_into);
  aten.impl("_copy_from", &copy_from);
  aten.impl("_local_scalar_dense", &read_scalar);
  aten.impl("record_stream", &record_stream);
  aten.impl("is_pinned", &is_pinned);
  aten.impl("_efficientzerotensor", &zero_tensor);
  aten.impl("_fused_sdp_choice", &choose_attention);
  for (const char* name : {"_use_cudnn_ctc_loss", "_use_miopen_ctc_loss"}) {
    aten.impl(name, &no_cudnn);
    aten.impl((std::string(name) + ".Tensor").c_str(), &no_cudnn_tensor);
  }
}

struct SchemaShape {
  bool host_only = false;  // names a device, storage or stream
  bool tensors = false;
  bool views = false;
  bool values = false;  // returns something that is no tensor
  // Fills a list of outputs and returns none: where an output must grow, nothing would tell.
  bool fills_list = false;
};

SchemaShape shape_of(const c10::FunctionSchema& schema) {
  SchemaShape s;
  for (const c10::Argument& a : schema.arguments()) {
    const std::string type = a.real_type()->str();
    s.host_only |= type.find("Device") != type.npos || type == "Storage" || type == "Stream";
    s.tensors |= type.find("Tensor") != type.npos;
    const bool output = a.kwarg_only() && a.alias_info() && a.alias_info()->isWrite();
    s.fills_list |= output && schema.returns().empty() && type.find("[]") != type.npos;
  }
  for (const c10::Argument& r : schema.returns()) {
    s.views |= r.alias_info() && !r.alias_info()->isWrite();
    s.values |= r.real_type()->str().find("Tensor") == std::string::npos;
  }
  return s;
}

// Composite operators whose parts would be recorded one by one otherwise.
bool capture_whole(const c10::OperatorName& name, const OperatorHandle& op) {
  static const std::unordered_set<std::string> own = {
      "aten::copy_",      "aten::resize_",           "aten::set_",
      "aten::is_pinned",  "aten::_fused_sdp_choice", "aten::lift",
      "aten::lift_fresh", "aten::_lazy_clone"};
  if (!name.name.starts_with("aten::") || own.contains(name.name)) return false;
  if (op.hasKernelForDispatchKey(DispatchKey::CompositeImplicitAutograd) ||
      op.hasKernelForDispatchKey(device_kind().dense)) {
    return false;
  }
  if (!op.hasKernelForDispatchKey(DispatchKey::CompositeExplicitAutograd) &&
      !op.hasKernelForDispatchKey(DispatchKey::CompositeExplicitAutogradNonFunctional)) {
    return false;
  }
  if (op.hasTag(at::Tag::inplace_view)) return false;  // changes metadata only
  for (const char* layout : {"sparse", "mkldnn"}) {
    if (name.name.find(layout) != std::string::npos) return false;
  }
  const SchemaShape s = shape_of(op.schema());
  return s.tensors && !s.host_only && !s.views && !s.values && !s.fills_list;
}

void register_whole_operators(torch::Library& aten) {
  auto& dispatcher = c10::Dispatcher::singleton();
  for (const c10::OperatorName& name : dispatcher.getAllOpNames()) {
    const auto op = dispatcher.findSchema(name);
    if (!op || !capture_whole(name, *op)) continue;
    const std::string full = c10::toString(name).substr(6);
    aten.impl(full.c_str(), torch::CppFunction::makeFromBoxedFunction<&capture>());
    ++g_whole_operators;
  }
}

}  // namespace

void register_device() {
  const DeviceKind& kind = device_kind();
  c10::SetAllocator(kind.type, &DeviceMemory::instance());
  at::setHostAllocator(kind.type, &pinned_allocator());
  register_guard();
  register_hooks();
  library("_", kind.dense).fallback(torch::CppFunction::makeFromBoxedFunction<&capture>());
  for (const DispatchKey key : {kind.sparse, kind.sparse_csr, kind.quantized, kind.nested}) {
    library("_", key).fallback(torch::CppFunction::makeFromBoxedFunction<&refuse>());
  }
  torch::Library& aten = library("aten", kind.dense);
  register_own_kernels(aten);
  if (kind.type == c10::DeviceType::PrivateUse1) register_private_use(aten);
  for (const char* name : kRefused) {
    aten.impl(name, torch::CppFunction::makeFromBoxedFunction<&refuse>());
  }
  register_sparse();
  register_profile();
  register_accelerator_graph();
  auto& attention = at::native::_fused_sdp_choice_stub;
  if (kind.type == c10::DeviceType::CUDA) {
    attention.set_cuda_dispatch_ptr(&choose_attention);
  } else {
    attention.set_privateuse1_dispatch_ptr(&choose_attention);
  }
  register_whole_operators(aten);
}

size_t whole_operators() { return g_whole_operators; }

}  // namespace moai::front
