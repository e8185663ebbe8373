#include "moai/worker/collective/packed_shares.h"

#include <numeric>
#include <utility>

#include "moai/ops/call.h"
#include "moai/tensor/along.h"

namespace moai::worker {
namespace {

using tensor::Geometry;

// A type of the same size whose copies keep all bits, those of no number too.
tensor::DType bits_like(tensor::DType dtype) {
  switch (tensor::dtype_size(dtype)) {
    case 1:
      return tensor::DType::kUInt8;
    case 2:
      return tensor::DType::kInt16;
    case 4:
      return tensor::DType::kInt32;
    case 8:
      return tensor::DType::kInt64;
    default:
      return dtype;
  }
}

ops::CallSignature copy_of(const Geometry& to, const Geometry& from) {
  ops::CallSignature s{.op = "aten::copy_"};
  s.args.push_back({.kind = ops::ArgKind::kTensor, .written = true, .geometry = to});
  s.args.push_back({.kind = ops::ArgKind::kTensor, .geometry = from});
  s.args.push_back({.kind = ops::ArgKind::kBool, .ints = {0}});
  s.results.push_back({.kind = ops::ResultKind::kIgnored});
  return s;
}

}  // namespace

Result<PackedShares> PackedShares::make(const Geometry& whole, size_t dimension,
                                        std::span<const int64_t> shares, Way way,
                                        device::Device* device) {
  const auto element = static_cast<int64_t>(tensor::dtype_size(whole.dtype));
  const tensor::Along along = tensor::along(whole, dimension);
  PackedShares made;
  made.offset_ = static_cast<uint64_t>(whole.offset * element);
  made.way_ = way;
  Geometry view = whole, packed = whole;
  packed.offset = 0;
  view.dtype = packed.dtype = bits_like(whole.dtype);
  for (const int64_t share : shares) {
    const int64_t bytes = along.with_size(share).bytes();
    made.bytes_.push_back(static_cast<size_t>(bytes));
    view.sizes[dimension] = packed.sizes[dimension] = share;
    packed.strides = tensor::contiguous_strides(packed.sizes);
    if (along.outer != 1 && bytes != 0) {
      const bool from = way == Way::kFromTensor;
      MOAI_ASSIGN_OR_RETURN(auto copy,
                            device->prepare(from ? copy_of(packed, view) : copy_of(view, packed)));
      made.copies_.push_back(std::move(copy));
    }
    view.offset += share * whole.strides[dimension];
    packed.offset += bytes / element;
  }
  return made;
}

size_t PackedShares::total() const {
  return std::accumulate(bytes_.begin(), bytes_.end(), size_t{0});
}

Status PackedShares::copy(device::Buffer* to, device::Buffer* from) {
  device::Buffer* const operands[] = {to, from};
  for (const auto& copy : copies_) MOAI_RETURN_IF_ERROR(copy->run(operands, {}, {}));
  return ok_status();
}

Result<std::byte*> PackedShares::begin(device::Device* device, device::DeviceQueue* queue,
                                       device::Buffer* tensor) {
  if (!tensor || total() == 0) return static_cast<std::byte*>(nullptr);
  if (copies_.empty()) return queue->address(*tensor) + offset_;
  MOAI_ASSIGN_OR_RETURN(packed_, device->allocate(total()));
  if (way_ == Way::kFromTensor) MOAI_RETURN_IF_ERROR(copy(packed_.get(), tensor));
  return queue->address(*packed_);
}

Status PackedShares::end(device::Buffer* tensor) {
  if (!packed_) return ok_status();
  // The device frees it behind what is enqueued.
  const device::BufferPtr packed = std::move(packed_);
  return way_ == Way::kToTensor ? copy(tensor, packed.get()) : ok_status();
}

}  // namespace moai::worker
