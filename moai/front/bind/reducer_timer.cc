#include "moai/front/bind/reducer_timer.h"

#include <torch/csrc/distributed/c10d/reducer_timer.hpp>

namespace moai::front {
namespace {

class HostTimer final : public c10d::Timer {
 public:
  std::optional<int64_t> measureDifference(Event start, Event end) override {
    const auto from = getTimestamp(start), to = getTimestamp(end);
    if (!from || !to || *to < *from) return std::nullopt;
    return *to - *from;
  }
};

}  // namespace

void register_reducer_timer() {
  c10d::TimerRegistry()->Register(c10::kCUDA, [](c10::Device) -> std::unique_ptr<c10d::Timer> {
    return std::make_unique<HostTimer>();
  });
}

}  // namespace moai::front
