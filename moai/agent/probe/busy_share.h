// BusyShare: turns counters of busy time into a share of the time that passed.
#pragma once

#include <algorithm>
#include <cstdint>

namespace moai::agent {

class BusyShare {
 public:
  // `busy_ns` grows as long as `owner` (a pid, say) stays the same; `width` is how much busy time a
  // second can hold. Returns 0…1 since the last call, 0 at the first one and for a new owner.
  double update(int64_t owner, uint64_t busy_ns, int64_t now_ms, double width) {
    double share = 0;
    if (owner == owner_ && now_ms > last_ms_ && busy_ns >= last_busy_ns_ && width > 0) {
      const double passed_ns = static_cast<double>(now_ms - last_ms_) * 1e6;
      share = static_cast<double>(busy_ns - last_busy_ns_) / (passed_ns * width);
    }
    owner_ = owner;
    last_busy_ns_ = busy_ns;
    last_ms_ = now_ms;
    return std::clamp(share, 0.0, 1.0);
  }

 private:
  int64_t owner_ = -1;
  uint64_t last_busy_ns_ = 0;
  int64_t last_ms_ = 0;
};

}  // namespace moai::agent
