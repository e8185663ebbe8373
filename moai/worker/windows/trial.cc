#include "moai/worker/windows/trial.h"

#include <algorithm>

namespace moai::worker {
namespace {

// A longer period by less is noise of the script's.
constexpr double kPeriodRatioMax = 1.05;

// The value that `share` of them are below; 0 of none.
uint64_t quantile(std::vector<uint64_t> values, double share) {
  if (values.empty()) return 0;
  const auto at =
      values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, at);
  return *at;
}

}  // namespace

uint64_t Trial::window_ns(bool compiled) const { return quantile(windows_[compiled], 0.5); }

bool Trial::compiled_is_faster() const {
  if (window_ns(true) >= window_ns(false)) return false;
  const auto no_longer = [this](double share) {
    return static_cast<double>(quantile(periods_[true], share)) <=
           static_cast<double>(quantile(periods_[false], share)) * kPeriodRatioMax;
  };
  return no_longer(0.5) || no_longer(0.25);
}

}  // namespace moai::worker
