#include "moai/control/setup/flavor_file.h"

#include <algorithm>
#include <sstream>

namespace moai::control {
namespace {

constexpr uint64_t kIdMax = UINT32_MAX;  // the Core API's
constexpr uint64_t kDevicesMax = 1'000'000;
constexpr uint64_t kMibMax = uint64_t{1} << 40;

bool number_at(std::istringstream& words, uint64_t max, uint64_t* number) {
  std::string word;
  if (!(words >> word) || word.size() > 18) return false;
  if (word.find_first_not_of("0123456789") != std::string::npos) return false;
  *number = std::stoull(word);
  return *number >= 1 && *number <= max;
}

bool parse_line(const std::string& line, FlavorRow* row) {
  std::istringstream words(line);
  uint64_t devices = 0, mib = 0;
  std::string rest;
  if (!number_at(words, kIdMax, &row->id) || !(words >> row->name)) return false;
  if (!number_at(words, kDevicesMax, &devices) || !number_at(words, kMibMax, &mib)) return false;
  row->devices = static_cast<uint32_t>(devices);
  row->memory_bytes = mib << 20;
  return !(words >> rest);
}

}  // namespace

Result<std::vector<FlavorRow>> parse_flavors(const std::string& text) {
  std::vector<FlavorRow> rows;
  std::istringstream lines(text);
  std::string line;
  for (int at = 1; std::getline(lines, line); ++at) {
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    FlavorRow row;
    if (!parse_line(line, &row))
      return invalid_argument("[control.setup] line " + std::to_string(at) +
                              " of the flavors is not \"ID NAME DEVICES MIB\": " + line);
    const bool twice = std::any_of(rows.begin(), rows.end(), [&](const FlavorRow& other) {
      return other.id == row.id || other.name == row.name;
    });
    if (twice)
      return invalid_argument("[control.setup] line " + std::to_string(at) +
                              " of the flavors has an id or a name for the second time: " + line);
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return invalid_argument("[control.setup] the file of flavors has none");
  return rows;
}

}  // namespace moai::control
