#include "moai/comm/collective/operation.h"

#include <algorithm>
#include <array>

#include "moai/base/bytes.h"

namespace moai::comm {
namespace {

constexpr std::array<std::string_view, 6> kNames = {"all_reduce", "all_gather", "reduce_scatter",
                                                    "all_to_all", "broadcast",  "barrier"};
constexpr size_t kSizesShown = 8;

bool reduces(OperationKind kind) {
  return kind == OperationKind::kAllReduce || kind == OperationKind::kReduceScatter;
}

std::string sizes_text(const std::vector<uint64_t>& sizes) {
  if (sizes.size() == 1) return std::to_string(sizes[0]);
  std::string text = "[";
  for (size_t i = 0; i < std::min(sizes.size(), kSizesShown); ++i) {
    text += (i ? ", " : "") + std::to_string(sizes[i]);
  }
  return text + (sizes.size() > kSizesShown ? ", …]" : "]");
}

}  // namespace

std::string to_string(const Operation& operation) {
  std::string text(kNames[static_cast<size_t>(operation.kind)]);
  if (operation.kind != OperationKind::kBarrier) text += " of " + sizes_text(operation.sizes);
  if (reduces(operation.kind)) {
    text += " " + std::string(tensor::dtype_name(operation.dtype)) + " (" +
            std::string(tensor::reduction_name(operation.reduction)) + ")";
  } else if (operation.kind == OperationKind::kBroadcast) {
    text += " bytes from rank " + std::to_string(operation.root);
  } else if (operation.kind != OperationKind::kBarrier) {
    text += " bytes";
  }
  return text + ", call " + std::to_string(operation.call);
}

std::string encode(const Operation& operation) {
  std::string bytes;
  bytes.reserve(16 + 2 * operation.sizes.size());
  Writer writer(&bytes);
  writer.u8(static_cast<uint8_t>(operation.kind));
  writer.u8(static_cast<uint8_t>(operation.dtype));
  writer.u8(static_cast<uint8_t>(operation.reduction));
  writer.varint(operation.root);
  writer.varint(operation.call);
  writer.varint(operation.sizes.size());
  for (uint64_t size : operation.sizes) writer.varint(size);
  return bytes;
}

std::optional<Operation> decode_operation(std::string_view bytes) {
  Reader reader(bytes);
  const uint8_t kind = reader.u8(), dtype = reader.u8(), reduction = reader.u8();
  const uint64_t root = reader.varint();
  Operation operation;
  operation.call = reader.varint();
  operation.sizes.resize(reader.count());
  for (uint64_t& size : operation.sizes) size = reader.varint();
  if (!reader.done() || kind >= kNames.size() || !tensor::is_dtype(dtype) ||
      !tensor::is_reduction(reduction) || root > UINT32_MAX) {
    return std::nullopt;
  }
  operation.kind = static_cast<OperationKind>(kind);
  operation.dtype = static_cast<tensor::DType>(dtype);
  operation.reduction = static_cast<tensor::Reduction>(reduction);
  operation.root = static_cast<uint32_t>(root);
  return operation;
}

bool agree(const Operation& a, const Operation& b) {
  if (a.kind != OperationKind::kAllToAll || b.kind != a.kind) return a == b;
  return a.call == b.call && a.sizes.size() == b.sizes.size();
}

}  // namespace moai::comm
