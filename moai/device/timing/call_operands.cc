#include "moai/device/timing/call_operands.h"

#include <algorithm>
#include <bit>

namespace moai::device {
namespace {

using tensor::DType;

constexpr uint64_t kBytesMin = 64;

// The bytes of one half, and which bits of them any number below one may have; of what counts,
// points or is a flag, zeros.
struct Number {
  std::string_view half, free{};
};
Number number_of(DType dtype) {
  using std::literals::string_view_literals::operator""sv;
  switch (dtype) {
    case DType::kFloat64:
    case DType::kComplex128:
      return {"\0\0\0\0\0\0\xe0\x3f"sv, "\xff\xff\xff\xff\xff\xff\x0f\0"sv};
    case DType::kFloat32:
    case DType::kComplex64:
      return {"\0\0\0\x3f"sv, "\xff\xff\x7f\0"sv};
    case DType::kFloat16:
    case DType::kComplex32:
      return {"\0\x38"sv, "\xff\x03"sv};
    case DType::kBFloat16:
      return {"\0\x3f"sv, "\x7f\0"sv};
    default:
      return {"\0"sv};
  }
}

// Numbers between a half and one, none like the next, and so many that no processor foresees how
// comparing them ends because it saw them before.
std::string numbers(const Number& n) {
  constexpr size_t kDistinct = 1 << 22;
  std::minstd_rand random(1);
  std::string out;
  for (size_t i = 0; i < kDistinct && !n.free.empty(); ++i) {
    for (size_t at = 0; at < n.half.size(); ++at) {
      out += static_cast<char>(n.half[at] | (static_cast<char>(random() >> 8) & n.free[at]));
    }
  }
  return out.empty() ? std::string(n.half) : out;
}

}  // namespace

uint64_t CallOperands::bytes_of(const tensor::Geometry& g) {
  return static_cast<uint64_t>(std::max<int64_t>(tensor::storage_bytes(g), 0));
}

Result<Buffer*> CallOperands::take(const tensor::Geometry& g, size_t place, const Use& use) {
  const uint64_t bytes = bytes_of(g);
  if (bytes == 0) return static_cast<Buffer*>(nullptr);
  const uint64_t size = std::bit_ceil(std::max(bytes, kBytesMin));
  Held& held = held_[{size, number_of(g.dtype).half, place}];
  if (!held.buffer) {
    MOAI_ASSIGN_OR_RETURN(held.buffer, device_.allocate(size));
    bytes_ += size;
    held.changed_bytes = size;
  }
  const uint64_t fresh = use.others ? std::max(bytes, held.changed_bytes) : held.changed_bytes;
  if (fresh && !use.kept) {
    MOAI_RETURN_IF_ERROR(fill(held.buffer.get(), fresh, g.dtype, use.others));
    held.changed_bytes = 0;
  }
  if (use.written) held.changed_bytes = std::max(held.changed_bytes, bytes);
  return held.buffer.get();
}

Status CallOperands::fill(Buffer* buffer, uint64_t bytes, DType dtype, bool others) {
  const Number n = number_of(dtype);
  std::string& pattern = patterns_[n.half];
  if (pattern.empty()) pattern = numbers(n);
  const size_t left = pattern.size() - std::min<size_t>(pattern.size(), bytes);
  const size_t at = others ? random_() % (left / n.half.size() + 1) * n.half.size() : 0;
  uint64_t filled = std::min<uint64_t>(pattern.size() - at, bytes);
  MOAI_RETURN_IF_ERROR(device_.copy_in(buffer, 0, std::string_view(pattern).substr(at, filled)));
  for (; filled < bytes; filled += std::min(filled, bytes - filled)) {
    if (!double_on_device(buffer, filled, bytes).ok()) break;
  }
  if (filled >= bytes) return ok_status();
  while (pattern.size() < bytes) pattern += std::string(pattern);
  return device_.copy_in(buffer, 0, std::string_view(pattern).substr(0, bytes));
}

// Copies what is filled to behind it, on the device: much of it would take long to get there.
Status CallOperands::double_on_device(Buffer* buffer, uint64_t filled, uint64_t bytes) {
  const auto count = static_cast<int64_t>(std::min(filled, bytes - filled));
  ops::Arg from{.kind = ops::ArgKind::kTensor,
                .geometry = {.dtype = DType::kUInt8, .sizes = {count}, .strides = {1}}};
  ops::Arg to = from;
  to.written = true;
  to.geometry.offset = static_cast<int64_t>(filled);
  MOAI_ASSIGN_OR_RETURN(
      const auto call,
      device_.prepare({.op = "aten::copy_",
                       .args = {to, from, {.kind = ops::ArgKind::kBool, .ints = {0}}},
                       .results = {{}}}));
  Buffer* operands[] = {buffer, buffer};
  return call->run(operands, {}, {});
}

void CallOperands::clear() {
  held_.clear();
  bytes_ = 0;
}

}  // namespace moai::device
