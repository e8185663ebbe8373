#include "moai/comm/collective/nccl/steps.h"

#include <algorithm>
#include <optional>

namespace moai::comm {
namespace {

using tensor::DType;
using tensor::Reduction;
using Kind = NcclStep::Kind;

struct Element {
  nccl::Type type = nccl::kUint8;
  size_t numbers = 1;  // that one of ours is made of
};

std::optional<Element> element_of(DType dtype) {
  switch (dtype) {
    case DType::kInt8:
      return Element{nccl::kInt8};
    case DType::kUInt8:
      return Element{nccl::kUint8};
    case DType::kInt32:
      return Element{nccl::kInt32};
    case DType::kUInt32:
      return Element{nccl::kUint32};
    case DType::kInt64:
      return Element{nccl::kInt64};
    case DType::kUInt64:
      return Element{nccl::kUint64};
    case DType::kFloat16:
      return Element{nccl::kFloat16};
    case DType::kBFloat16:
      return Element{nccl::kBfloat16};
    case DType::kFloat32:
      return Element{nccl::kFloat32};
    case DType::kFloat64:
      return Element{nccl::kFloat64};
    case DType::kComplex64:
      return Element{nccl::kFloat32, 2};
    case DType::kComplex128:
      return Element{nccl::kFloat64, 2};
    default:
      return std::nullopt;
  }
}

std::optional<nccl::Op> op_of(Reduction reduction) {
  switch (reduction) {
    case Reduction::kSum:
      return nccl::kSum;
    case Reduction::kProduct:
      return nccl::kProduct;
    case Reduction::kMax:
      return nccl::kMax;
    case Reduction::kMin:
      return nccl::kMin;
    default:
      return std::nullopt;
  }
}

bool is_integer(nccl::Type type) { return type <= nccl::kUint64; }

bool alike(std::span<const size_t> sizes) {
  return std::ranges::all_of(sizes, [&](size_t size) { return size == sizes[0]; });
}

const std::byte* at(const void* data, size_t offset) {
  return static_cast<const std::byte*>(data) + offset;
}
std::byte* at(void* data, size_t offset) { return static_cast<std::byte*>(data) + offset; }

void add(NcclSteps* steps, const NcclStep& step) {
  if (step.count != 0) steps->push_back(step);
}

NcclStep reducing(Kind kind, DType dtype, Reduction reduction, size_t count) {
  const Element element = *element_of(dtype);
  return {.kind = kind,
          .count = count * element.numbers,
          .type = element.type,
          .op = *op_of(reduction)};
}

}  // namespace

bool nccl_reduces(DType dtype, Reduction reduction) {
  const auto element = element_of(dtype);
  if (!element || !op_of(reduction)) return false;
  if (reduction == Reduction::kSum) return true;
  if (element->numbers != 1) return false;
  return reduction == Reduction::kProduct || is_integer(element->type);
}

void add_all_reduce(NcclSteps* steps, void* data, size_t count, DType dtype, Reduction reduction) {
  NcclStep step = reducing(Kind::kAllReduce, dtype, reduction, count);
  step.in = step.out = data;
  add(steps, step);
}

void add_all_gather(NcclSteps* steps, size_t rank, const void* mine, std::span<const size_t> bytes,
                    void* out) {
  if (alike(bytes)) {
    add(steps, {.kind = Kind::kAllGather, .in = mine, .out = out, .count = bytes[0]});
    return;
  }
  size_t begin = 0;
  for (size_t root = 0; root < bytes.size(); begin += bytes[root++]) {
    add(steps, {.kind = Kind::kBroadcast,
                .in = root == rank ? mine : at(out, begin),
                .out = at(out, begin),
                .count = bytes[root],
                .peer = static_cast<int>(root)});
  }
}

void add_reduce_scatter(NcclSteps* steps, size_t rank, const void* in,
                        std::span<const size_t> counts, void* out, DType dtype,
                        Reduction reduction) {
  if (alike(counts)) {
    NcclStep step = reducing(Kind::kReduceScatter, dtype, reduction, counts[0]);
    step.in = in;
    step.out = out;
    add(steps, step);
    return;
  }
  size_t begin = 0;
  for (size_t root = 0; root < counts.size(); begin += counts[root++]) {
    NcclStep step = reducing(Kind::kReduce, dtype, reduction, counts[root]);
    step.in = at(in, begin * tensor::dtype_size(dtype));
    step.out = root == rank ? out : nullptr;
    step.peer = static_cast<int>(root);
    add(steps, step);
  }
}

void add_all_to_all(NcclSteps* steps, const void* in, std::span<const size_t> to, void* out,
                    std::span<const size_t> from) {
  size_t sent = 0, received = 0;
  for (size_t peer = 0; peer < to.size(); ++peer) {
    const int number = static_cast<int>(peer);
    add(steps, {.kind = Kind::kSend, .in = at(in, sent), .count = to[peer], .peer = number});
    add(steps,
        {.kind = Kind::kReceive, .out = at(out, received), .count = from[peer], .peer = number});
    sent += to[peer];
    received += from[peer];
  }
}

void add_broadcast(NcclSteps* steps, void* data, size_t bytes, int root) {
  add(steps, {.kind = Kind::kBroadcast, .in = data, .out = data, .count = bytes, .peer = root});
}

}  // namespace moai::comm
