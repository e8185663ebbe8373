#include "moai/ops/sharding/terms_text.h"

namespace moai::ops::sharding {

DimTexts numbered(const std::string& letter, size_t rank) {
  DimTexts dims;
  for (size_t i = 0; i < rank; ++i) dims.push_back(letter + std::to_string(i));
  return dims;
}

std::string spelled(const DimTexts& dims) { return dims.empty() ? "." : joined(dims, " "); }

std::string joined(const std::vector<std::string>& texts, const std::string& separator) {
  std::string all;
  for (const std::string& text : texts) {
    if (!all.empty()) all += separator;
    all += text;
  }
  return all;
}

}  // namespace moai::ops::sharding
