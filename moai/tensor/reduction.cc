#include "moai/tensor/reduction.h"

#include <array>
#include <cstddef>

namespace moai::tensor {
namespace {

constexpr std::array<std::string_view, 7> kNames = {"sum", "max",     "min",  "all",
                                                    "any", "product", "norm2"};

}  // namespace

bool is_reduction(uint8_t number) { return number < kNames.size(); }

std::string_view reduction_name(Reduction reduction) {
  const auto number = static_cast<uint8_t>(reduction);
  return is_reduction(number) ? kNames[number] : "?";
}

std::optional<Reduction> reduction_from_name(std::string_view name) {
  for (size_t number = 0; number < kNames.size(); ++number) {
    if (kNames[number] == name) return static_cast<Reduction>(number);
  }
  return std::nullopt;
}

bool can_reduce(DType dtype, Reduction reduction) {
  const bool orders = reduction == Reduction::kMax || reduction == Reduction::kMin;
  const bool is_logical = reduction == Reduction::kAll || reduction == Reduction::kAny;
  switch (dtype) {
    case DType::kFloat64:
    case DType::kFloat32:
    case DType::kBFloat16:
    case DType::kFloat16:
      return !is_logical;
    case DType::kInt8:
    case DType::kInt16:
    case DType::kInt32:
    case DType::kInt64:
    case DType::kUInt16:
    case DType::kUInt32:
    case DType::kUInt64:
      return !is_logical && reduction != Reduction::kNorm2;
    case DType::kUInt8:
      return reduction != Reduction::kNorm2;
    case DType::kBool:
      return orders || is_logical;
    case DType::kComplex64:
    case DType::kComplex128:
      return reduction == Reduction::kSum || reduction == Reduction::kProduct;
    default:
      return false;
  }
}

}  // namespace moai::tensor
