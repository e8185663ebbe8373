#include "moai/compiler/conformance/reduce_bytes.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace moai::compiler {
namespace {

template <class T>
Result<std::string> reduce(const std::vector<std::string>& parts, std::string_view reduction) {
  std::string out = parts[0];
  const size_t n = out.size() / sizeof(T);
  for (size_t i = 0; i < n; ++i) {
    T sum{};
    for (size_t part = 0; part < parts.size(); ++part) {
      T x{};
      std::memcpy(&x, parts[part].data() + i * sizeof(T), sizeof(T));
      if (reduction == "norm2") x = static_cast<T>(x * x);
      if (part == 0) {
        sum = x;
      } else if (reduction == "sum" || reduction == "norm2") {
        sum = static_cast<T>(sum + x);
      } else if (reduction == "product") {
        sum = static_cast<T>(sum * x);
      } else if (reduction == "max" || reduction == "any") {
        sum = std::max(sum, x);
      } else if (reduction == "min" || reduction == "all") {
        sum = std::min(sum, x);
      } else {
        return unimplemented("no reduction " + std::string(reduction));
      }
    }
    if (reduction == "norm2") sum = static_cast<T>(std::sqrt(static_cast<double>(sum)));
    std::memcpy(out.data() + i * sizeof(T), &sum, sizeof(T));
  }
  return out;
}

}  // namespace

Result<std::string> reduce_bytes(const std::vector<std::string>& parts, tensor::DType dtype,
                                 std::string_view reduction) {
  switch (dtype) {
    case tensor::DType::kFloat64:
      return reduce<double>(parts, reduction);
    case tensor::DType::kFloat32:
      return reduce<float>(parts, reduction);
    case tensor::DType::kInt64:
      return reduce<int64_t>(parts, reduction);
    case tensor::DType::kBool:
      return reduce<uint8_t>(parts, reduction);
    default:
      return unimplemented("no reduction of " + std::string(tensor::dtype_name(dtype)));
  }
}

}  // namespace moai::compiler
