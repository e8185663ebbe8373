// TomlValue: a TOML file as plain data, each value with its line.
//
// Dates are refused: nothing of ours holds one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "moai/base/status.h"

namespace moai::cluster {

struct TomlValue {
  enum class Kind : uint8_t { kTable, kArray, kText, kInteger, kNumber, kFlag };

  Kind kind = Kind::kTable;
  int line = 1;
  std::string text{};
  int64_t integer = 0;
  double number = 0;  // of an integer too
  bool flag = false;
  std::vector<TomlValue> items{};
  std::map<std::string, TomlValue> entries{};
};

// The table of the whole text. `path` stands in errors: "[cluster.file] PATH:LINE: …".
Result<TomlValue> toml_from_string(std::string_view text, const std::string& path);

}  // namespace moai::cluster
