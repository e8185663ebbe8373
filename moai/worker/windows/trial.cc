#include "moai/worker/windows/trial.h"

#include <algorithm>

namespace moai::worker {
namespace {

// A longer period by less is noise of the script's.
constexpr double kPeriodRatioMax = 1.05;

uint64_t median(std::vector<uint64_t> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

uint64_t Trial::window_ns(bool compiled) const { return median(windows_[compiled]); }

bool Trial::compiled_is_faster() const {
  if (window_ns(true) >= window_ns(false)) return false;
  return static_cast<double>(median(periods_[true])) <=
         static_cast<double>(median(periods_[false])) * kPeriodRatioMax;
}

}  // namespace moai::worker
