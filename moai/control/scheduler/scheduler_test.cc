#include "moai/control/scheduler/scheduler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace moai::control {
namespace {

View view_of(const std::vector<std::pair<uint64_t, int>>& agents,
             uint32_t flavor_devices_max = 64) {
  View view;
  view.flavor_devices_max = flavor_devices_max;
  for (const auto& [agent, count] : agents)
    for (int i = 0; i < count; ++i)
      view.devices.push_back({{agent, static_cast<uint32_t>(i)}, true});
  return view;
}

View::Request request(uint64_t id, uint32_t devices = 1, uint64_t accelerator = 0,
                      uint64_t token = 1) {
  return {id, token, accelerator ? accelerator : id, devices};
}

// "1:granted 2:in_use(1)" for reading.
std::string text(const std::vector<Decision>& decisions) {
  std::string out;
  for (const Decision& d : decisions) {
    out += (out.empty() ? "" : " ") + std::to_string(d.lease_id) + ":";
    if (d.devices.empty()) {
      out += std::string(cause_word(d.cause));
      if (d.holder) out += "(" + std::to_string(d.holder) + ")";
    }
    for (size_t i = 0; i < d.devices.size(); ++i)
      out += (i ? "," : "") + std::to_string(d.devices[i].agent_id) + "." +
             std::to_string(d.devices[i].index);
  }
  return out;
}

struct Case {
  const char* name;
  std::function<void(View&)> fill;
  const char* expected;
};

TEST(Scheduler, Table) {
  const Case cases[] = {
      {"no agent", [](View& v) { v.devices.clear(), v.queue = {request(1)}; }, "1:no_agent"},
      {"serves the queue in order", [](View& v) { v.queue = {request(5), request(3), request(4)}; },
       "5:1.0 3:1.1 4:no_free_device"},
      {"an accelerator serves one", [](View& v) { v.queue = {request(1, 1, 9), request(2, 1, 9)}; },
       "1:1.0 2:in_use(1)"},
      {"a running holder is named",
       [](View& v) {
         v.holders[9] = {7, 123, "x"};
         v.queue = {request(1, 1, 9), request(2)};
       },
       "1:in_use(7) 2:1.0"},
      {"a leaving holder is named while devices lack",
       [](View& v) {
         v.devices = {{{1, 0}, false}};
         v.leaving[9] = {7, 123, "x"};
         v.queue = {request(1, 1, 9)};
       },
       "1:in_use(7)"},
      {"a leaving holder does not matter when devices are free",
       [](View& v) {
         v.leaving[9] = {7, 123, "x"};
         v.queue = {request(1, 1, 9)};
       },
       "1:1.0"},
      {"a gang gets all or nothing and is not overtaken",
       [](View& v) {
         v.devices[0].free = false;
         v.queue = {request(1, 2), request(2, 1)};
       },
       "1:no_free_device 2:no_free_device"},
      {"a gang larger than the site holds nobody up",
       [](View& v) { v.queue = {request(1, 3), request(2, 1)}; }, "1:too_few_devices 2:1.0"},
      {"a flavor nothing computes is refused and holds nobody up",
       [](View& v) { v.queue = {request(1, 65), request(2, 1)}; }, "1:flavor_not_supported 2:1.0"},
      {"quota",
       [](View& v) {
         v.tenants[1] = {1, 2};
         v.queue = {request(1), request(2), request(3, 1, 3, 2)};
       },
       "1:1.0 2:quota 3:1.1"},
      {"quota counts every device of a gang",
       [](View& v) {
         v.tenants[1] = {1, 2};
         v.queue = {request(1, 2), request(2, 1), request(3, 1, 3, 2)};
       },
       "1:quota 2:1.0 3:1.1"},
      {"a gang over the token's limit alone is refused",
       [](View& v) {
         v.tenants[1] = {0, 1};
         v.queue = {request(1, 2), request(2, 1)};
       },
       "1:over_limit 2:1.0"},
  };
  for (const Case& c : cases) {
    View view = view_of({{1, 2}});
    c.fill(view);
    EXPECT_EQ(text(decide(view)), c.expected) << c.name;
  }
}

TEST(Scheduler, PacksTightlyAndKeepsBlocksWhole) {
  View view = view_of({{1, 8}, {2, 3}, {3, 2}});
  view.queue = {request(1, 1), request(2, 3), request(3, 8)};
  EXPECT_EQ(text(decide(view)), "1:3.0 2:2.0,2.1,2.2 3:1.0,1.1,1.2,1.3,1.4,1.5,1.6,1.7");
}

TEST(Scheduler, SpreadsAGangOverAsFewAgentsAsItCan) {
  View view = view_of({{1, 2}, {2, 5}, {3, 4}});
  view.queue = {request(1, 8)};
  std::set<uint64_t> agents;
  const std::vector<Decision> decisions = decide(view);
  for (const DeviceKey& key : decisions[0].devices) agents.insert(key.agent_id);
  EXPECT_EQ(agents, (std::set<uint64_t>{2, 3}));
}

// A site that random requests come to and leave, checked after every cycle.
class RandomSite {
 public:
  explicit RandomSite(uint32_t seed) : random_(seed) {
    for (uint64_t agent = 1; agent <= 4; ++agent)
      for (uint32_t i = 0; i < 4; ++i) all_.push_back({agent, i});
  }

  void arrive() {
    const uint32_t sizes[] = {1, 1, 1, 2, 4, 8, 16};
    View::Request r = request(++next_, sizes[random_() % 7], 1 + random_() % 12, 1 + random_() % 3);
    queue_.push_back(r);
    waited_[r.lease_id] = 0;
  }
  void leave() {
    if (running_.empty()) return;
    running_.erase(
        std::next(running_.begin(), static_cast<std::ptrdiff_t>(random_() % running_.size())));
  }
  void cycle() {
    const View view = make();
    const std::vector<Decision> decisions = decide(view);
    ASSERT_EQ(decisions.size(), queue_.size());
    for (const Decision& d : decisions) apply(d);
    check_devices();
  }
  size_t waiting() const { return queue_.size(); }
  bool running() const { return !running_.empty(); }

 private:
  struct Running {
    View::Request request;
    std::vector<DeviceKey> devices;
  };

  View make() const {
    View view;
    view.flavor_devices_max = 64;
    view.queue = queue_;
    view.tenants[1].devices_max = 9;
    std::set<DeviceKey> used;
    for (const auto& [id, r] : running_) {
      used.insert(r.devices.begin(), r.devices.end());
      view.holders[r.request.accelerator_id] = {id, 1, "x"};
      view.tenants[r.request.token_id].devices_used += r.request.devices;
    }
    for (const DeviceKey& key : all_) view.devices.push_back({key, !used.contains(key)});
    return view;
  }

  void apply(const Decision& d) {
    const auto it = std::find_if(queue_.begin(), queue_.end(),
                                 [&](const auto& r) { return r.lease_id == d.lease_id; });
    ASSERT_NE(it, queue_.end());
    if (d.devices.empty()) {
      ASSERT_NE(d.cause, Cause::kNone);  // every waiting request has a reason
      return;
    }
    ASSERT_EQ(d.devices.size(), it->devices);  // all or nothing
    running_[d.lease_id] = {*it, d.devices};
    queue_.erase(it);
  }

  void check_devices() const {
    std::set<DeviceKey> used;
    std::set<uint64_t> accelerators;
    uint32_t of_first_tenant = 0;
    for (const auto& [id, r] : running_) {
      for (const DeviceKey& key : r.devices) {
        ASSERT_TRUE(used.insert(key).second) << "a device in two leases";
        ASSERT_NE(std::find(all_.begin(), all_.end(), key), all_.end());
      }
      ASSERT_TRUE(accelerators.insert(r.request.accelerator_id).second);
      if (r.request.token_id == 1) of_first_tenant += r.request.devices;
    }
    ASSERT_LE(of_first_tenant, 9u);
  }

  std::mt19937 random_;
  std::vector<DeviceKey> all_;
  std::vector<View::Request> queue_;  // in order of arrival
  std::map<uint64_t, Running> running_;
  std::map<uint64_t, int> waited_;
  uint64_t next_ = 0;
};

TEST(Scheduler, NeverOverAllocatesAndNeverStarves) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomSite site(seed);
    std::mt19937 random(seed * 7919);
    for (int i = 0; i < 60; ++i) {
      if (random() % 3) site.arrive();
      if (random() % 2) site.leave();
      site.cycle();
      if (HasFatalFailure()) return;
    }
    // Nobody arrives any more: everything that fits its quota is served in the end.
    for (int i = 0; i < 500 && (site.waiting() || site.running()); ++i) {
      site.leave();
      site.cycle();
      if (HasFatalFailure()) return;
    }
    EXPECT_FALSE(site.running());
  }
}

TEST(Scheduler, ALargeGangIsServedThoughSmallOnesKeepComing) {
  View view = view_of({{1, 4}});
  std::map<uint64_t, DeviceKey> running;
  std::vector<View::Request> queue = {request(1, 4)};
  for (const DeviceKey& key : {DeviceKey{1, 0}, {1, 1}, {1, 2}, {1, 3}})
    running[100 + key.index] = key;
  for (uint64_t round = 0; round < 10; ++round) {
    queue.push_back(request(10 + round));
    if (!running.empty()) running.erase(running.begin());
    for (View::Device& device : view.devices) {
      device.free = std::none_of(running.begin(), running.end(),
                                 [&](const auto& r) { return r.second == device.key; });
    }
    view.queue = queue;
    if (!decide(view)[0].devices.empty()) return;
    EXPECT_TRUE(decide(view)[1].devices.empty());
  }
  FAIL() << "the gang starved";
}

TEST(Scheduler, TenThousandRequestsAreDecidedQuickly) {
  View view = view_of({{1, 8}});
  for (uint64_t i = 1; i <= 100000; ++i) view.queue.push_back(request(i));
  EXPECT_EQ(decide(view).size(), 100000u);
}

}  // namespace
}  // namespace moai::control
