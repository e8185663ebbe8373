#include "moai/driver/lease/dial.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

namespace moai::driver {
namespace {

constexpr size_t kThreadsMax = 16;  // the caller's among them

}  // namespace

Dialled dial_all(const std::vector<std::string>& addresses, comm::Deadline deadline,
                 const comm::TlsOptions& tls) {
  Dialled dialled;
  dialled.links.resize(addresses.size());
  std::vector<Status> errors(addresses.size());
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  const auto dial = [&] {
    for (size_t at = next++; at < addresses.size() && !failed; at = next++) {
      auto link = comm::connect(addresses[at], deadline, tls);
      if (link.ok()) {
        dialled.links[at] = std::move(*link);
      } else {
        errors[at] = link.status();
        failed = true;
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (size_t i = 1; i < std::min(addresses.size(), kThreadsMax); ++i) helpers.emplace_back(dial);
    dial();
  }
  const auto bad =
      std::find_if(errors.begin(), errors.end(), [](const auto& e) { return !e.ok(); });
  if (bad == errors.end()) return dialled;
  dialled.error = *bad;
  dialled.failed = static_cast<size_t>(bad - errors.begin());
  dialled.links.clear();
  return dialled;
}

}  // namespace moai::driver
