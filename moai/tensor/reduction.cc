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

}  // namespace moai::tensor
