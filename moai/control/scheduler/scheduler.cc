#include "moai/control/scheduler/scheduler.h"

#include <algorithm>
#include <set>

namespace moai::control {
namespace {

// The free devices of a cycle, by agent.
class FreeDevices {
 public:
  explicit FreeDevices(const View& view) {
    for (const View::Device& device : view.devices)
      if (device.free) {
        by_agent_[device.key.agent_id].push_back(device.key.index);
        ++count_;
      }
    for (const auto& [agent, indices] : by_agent_) by_size_.insert({indices.size(), agent});
  }

  size_t count() const { return count_; }

  // Takes `n` devices; the caller has checked count(). One agent where one has enough, the one with
  // the fewest; else the fullest agents first, so that few of them share the gang.
  std::vector<DeviceKey> take(size_t n) {
    std::vector<DeviceKey> taken;
    while (taken.size() < n) {
      const size_t missing = n - taken.size();
      auto it = by_size_.lower_bound({missing, 0});
      if (it == by_size_.end()) it = std::prev(it);
      take_from(it->second, std::min(missing, it->first), &taken);
    }
    std::sort(taken.begin(), taken.end());
    return taken;
  }

 private:
  void take_from(uint64_t agent, size_t n, std::vector<DeviceKey>* taken) {
    std::vector<uint32_t>& indices = by_agent_[agent];
    by_size_.erase({indices.size(), agent});
    for (size_t i = 0; i < n; ++i) taken->push_back({agent, indices[i]});
    indices.erase(indices.begin(), indices.begin() + static_cast<std::ptrdiff_t>(n));
    count_ -= n;
    if (!indices.empty()) by_size_.insert({indices.size(), agent});
  }

  std::map<uint64_t, std::vector<uint32_t>> by_agent_;
  std::set<std::pair<size_t, uint64_t>> by_size_;
  size_t count_ = 0;
};

// One cycle: what it has given away so far.
class Cycle {
 public:
  explicit Cycle(const View& view) : view_(view), free_(view) {}

  Decision decide(const View::Request& request) {
    Decision d{request.lease_id, {}, Cause::kNone, 0};
    if (request.devices > view_.flavor_devices_max) {
      d.cause = Cause::kFlavorNotSupported;
    } else if (is_over_limit(request)) {
      d.cause = Cause::kOverLimit;
    } else if (const View::Holder* holder = holder_of(request.accelerator_id)) {
      d.cause = Cause::kInUse;
      d.holder = holder->lease_id;
    } else if (const auto it = claimed_.find(request.accelerator_id); it != claimed_.end()) {
      d.cause = Cause::kInUse;
      d.holder = it->second;
    } else {
      claimed_[request.accelerator_id] = request.lease_id;
      place(request, &d);
    }
    return d;
  }

 private:
  const View::Holder* holder_of(uint64_t accelerator) const {
    const auto it = view_.holders.find(accelerator);
    return it == view_.holders.end() ? nullptr : &it->second;
  }

  void place(const View::Request& request, Decision* d) {
    if (view_.devices.empty()) {
      d->cause = Cause::kNoAgent;
    } else if (over_quota(request)) {
      d->cause = Cause::kQuota;
    } else if (request.devices > view_.devices.size()) {
      d->cause = Cause::kTooFewDevices;
    } else if (held_up_ || request.devices > free_.count()) {
      held_up_ = true;
      d->cause = Cause::kNoFreeDevice;
      // Said as the user knows it: the process before on this accelerator is just leaving.
      if (const auto it = view_.leaving.find(request.accelerator_id); it != view_.leaving.end()) {
        d->cause = Cause::kInUse;
        d->holder = it->second.lease_id;
      }
    } else {
      d->devices = free_.take(request.devices);
      granted_[request.token_id] += request.devices;
    }
  }

  bool is_over_limit(const View::Request& request) const {
    const auto it = view_.tenants.find(request.token_id);
    return it != view_.tenants.end() && it->second.devices_max != 0 &&
           request.devices > it->second.devices_max;
  }

  bool over_quota(const View::Request& request) {
    const auto it = view_.tenants.find(request.token_id);
    if (it == view_.tenants.end() || it->second.devices_max == 0) return false;
    return it->second.devices_used + granted_[request.token_id] + request.devices >
           it->second.devices_max;
  }

  const View& view_;
  FreeDevices free_;
  std::map<uint64_t, uint64_t> claimed_;  // accelerator → the first request for it in this cycle
  std::map<uint64_t, uint32_t> granted_;  // token → devices given in this cycle
  bool held_up_ = false;
};

}  // namespace

std::string_view cause_word(Cause cause) {
  switch (cause) {
    case Cause::kNone:
      return "";
    case Cause::kInUse:
      return "in_use";
    case Cause::kNoFreeDevice:
      return "no_free_device";
    case Cause::kNoAgent:
      return "no_agent";
    case Cause::kFlavorNotSupported:
      return "flavor_not_supported";
    case Cause::kQuota:
      return "quota";
    case Cause::kHeldByAncestor:
      return "held_by_ancestor";
    case Cause::kTooFewDevices:
      return "too_few_devices";
    case Cause::kOverLimit:
      return "over_limit";
  }
  return "unknown";
}

std::vector<Decision> decide(const View& view) {
  Cycle cycle(view);
  std::vector<Decision> decisions;
  decisions.reserve(view.queue.size());
  for (const View::Request& request : view.queue) decisions.push_back(cycle.decide(request));
  return decisions;
}

}  // namespace moai::control
