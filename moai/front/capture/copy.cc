#include "moai/front/capture/copy.h"

#include <ATen/ExpandUtils.h>

#include "moai/front/capture/capture.h"
#include "moai/front/capture/host_reads.h"
#include "moai/front/device/device_type.h"
#include "moai/front/device/engine.h"
#include "moai/front/device/memory.h"

namespace moai::front {
namespace {

bool is_plain(const at::Tensor& t) { return !t.is_conj() && !t.is_neg(); }

void check_broadcast(const at::Tensor& destination, const at::Tensor& source) {
  const auto shape = at::infer_size(destination.sizes(), source.sizes());
  TORCH_CHECK(destination.sizes() == at::IntArrayRef(shape), "output with shape ",
              destination.sizes(), " doesn't match the broadcast shape ", at::IntArrayRef(shape));
}

void record_copy(const at::Tensor& destination, const at::Tensor& source, bool non_blocking) {
  static const auto handle = c10::Dispatcher::singleton().findSchemaOrThrow("aten::copy_", "");
  torch::jit::Stack stack{destination, source, non_blocking};
  capture(handle, &stack);
}

void upload(const at::Tensor& destination, const at::Tensor& bytes) {
  make_room();
  bool makes = false;
  const Place place = place_for_upload(destination, &makes);
  raise_if_error(engine().upload(place.storage, place.storage_bytes,
                                 static_cast<uint64_t>(place.offset) * destination.itemsize(),
                                 {static_cast<const char*>(bytes.const_data_ptr()), bytes.nbytes()},
                                 makes));
}

// Host bytes laid out as `like` wants them; `source` itself where it fits already.
at::Tensor laid_out_as(const at::Tensor& like, const at::Tensor& source) {
  const bool fits = source.scalar_type() == like.scalar_type() && is_plain(source) &&
                    source.sizes() == like.sizes() && source.strides() == like.strides();
  if (fits) return source;
  at::Tensor bytes = at::empty_strided(like.sizes(), like.strides(),
                                       at::TensorOptions(like.scalar_type()).device(at::kCPU));
  bytes.copy_(source);
  return bytes;
}

void host_to_device(at::Tensor& destination, const at::Tensor& source, bool non_blocking) {
  const bool dense = destination.is_non_overlapping_and_dense() && is_plain(destination);
  // Convert where fewer bytes travel.
  if (dense && source.itemsize() >= destination.itemsize()) {
    return upload(destination, laid_out_as(destination, source));
  }
  const at::Tensor packed = source.resolve_conj().resolve_neg().contiguous();
  at::Tensor staged = at::empty(packed.sizes(), packed.options().device(device_type()));
  upload(staged, packed);
  record_copy(destination, staged, non_blocking);
}

void read_into(const at::Tensor& source, char* out) {
  const Place place = place_of(source);
  HostReads::instance().read(place, static_cast<uint64_t>(place.offset) * source.itemsize(),
                             source.nbytes(), out);
}

// Waits for `source` and returns its values, laid out as they lie on the device.
at::Tensor read_back(const at::Tensor& source) {
  const bool dense = source.is_non_overlapping_and_dense() && is_plain(source);
  const at::Tensor packed =
      dense ? source : source.resolve_conj().resolve_neg().clone(at::MemoryFormat::Contiguous);
  at::Tensor values =
      at::empty_strided(packed.sizes(), packed.strides(), packed.options().device(at::kCPU));
  if (values.numel() != 0) read_into(packed, static_cast<char*>(values.data_ptr()));
  return values;
}

void device_to_host(at::Tensor& destination, const at::Tensor& source) {
  const bool direct =
      destination.is_cpu() && source.is_non_overlapping_and_dense() && is_plain(source) &&
      is_plain(destination) && destination.strides() == source.strides() &&
      destination.sizes() == source.sizes() && destination.scalar_type() == source.scalar_type();
  if (direct) return read_into(source, static_cast<char*>(destination.data_ptr()));
  destination.copy_(read_back(source));
}

}  // namespace

at::Tensor& copy_into(at::Tensor& destination, const at::Tensor& source, bool non_blocking) {
  check_broadcast(destination, source);
  if (destination.numel() == 0) return destination;
  if (!on_device(destination)) {
    device_to_host(destination, source);
  } else if (on_device(source)) {
    record_copy(destination, source, non_blocking);
  } else {
    TORCH_CHECK(source.is_cpu() || source.is_cuda(), "copy_: cannot copy from ", source.device(),
                " to the device");
    // One of a GPU that torch has of its own goes through the host.
    host_to_device(destination, source.is_cpu() ? source : source.cpu(), non_blocking);
  }
  return destination;
}

at::Tensor copy_from(const at::Tensor& source, const at::Tensor& destination, bool non_blocking) {
  at::Tensor target = destination;
  return copy_into(target, source, non_blocking);
}

at::Scalar read_scalar(const at::Tensor& tensor) {
  TORCH_CHECK(tensor.numel() == 1, "a Tensor with ", tensor.numel(),
              " elements cannot be converted to Scalar");
  return read_back(tensor).item();
}

}  // namespace moai::front
