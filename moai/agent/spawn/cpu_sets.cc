#include "moai/agent/spawn/cpu_sets.h"

#include <charconv>
#include <sstream>

namespace moai::agent {
namespace {

constexpr int kCpuMax = 1023;

bool parse_number(std::string_view text, int* number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return error == std::errc() && end == text.data() + text.size() && *number >= 0 &&
         *number <= kCpuMax;
}

bool add_range(const std::string& text, std::vector<int>* cpus) {
  const size_t dash = text.find('-');
  int first = 0, last = 0;
  if (!parse_number(text.substr(0, dash), &first)) return false;
  last = first;
  if (dash != std::string::npos && !parse_number(text.substr(dash + 1), &last)) return false;
  for (int cpu = first; cpu <= last; ++cpu) cpus->push_back(cpu);
  return first <= last;
}

}  // namespace

Result<std::vector<std::vector<int>>> parse_cpu_sets(const std::string& text) {
  std::vector<std::vector<int>> sets;
  std::istringstream devices(text);
  for (std::string device; std::getline(devices, device, ';');) {
    sets.emplace_back();
    std::istringstream ranges(device);
    for (std::string range; std::getline(ranges, range, ',');) {
      if (!add_range(range, &sets.back())) {
        return invalid_argument("[agent.cpu_sets] not a set of processors: \"" + range +
                                "\"; write for example \"0-3,8;4-7\"");
      }
    }
  }
  return sets;
}

}  // namespace moai::agent
