// Spelling terms of the notation, for rows whose terms depend on arguments.
#pragma once

#include <string>
#include <vector>

namespace moai::ops::sharding {

using DimTexts = std::vector<std::string>;

// "d0", "d1", …
DimTexts numbered(const std::string& letter, size_t rank);
// "d0 d1", "." of none.
std::string spelled(const DimTexts& dims);
std::string joined(const std::vector<std::string>& texts, const std::string& separator);

}  // namespace moai::ops::sharding
