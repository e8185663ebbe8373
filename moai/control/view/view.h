// View: the immutable picture that the scheduler decides on. Plain values, made from the site at
// the start of a cycle; deciding on it needs nothing else.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "moai/control/site.h"

namespace moai::control {

struct View {
  struct Device {
    DeviceKey key;
    bool free = true;
  };
  // Who uses an accelerator, or waits for it first.
  struct Holder {
    uint64_t lease_id = 0;
    int64_t pid = 0;
    std::string command;
  };
  struct Tenant {
    uint32_t devices_used = 0;
    uint32_t devices_max = 0;  // 0: no limit
  };
  struct Request {
    uint64_t lease_id = 0;
    uint64_t token_id = 0;
    uint64_t accelerator_id = 0;
    uint32_t devices = 1;
  };

  std::vector<Device> devices;         // of connected agents, by key
  std::map<uint64_t, Holder> holders;  // by accelerator; granted, starting or active leases
  std::map<uint64_t, Holder> leaving;  // by accelerator; its devices come free soon
  std::map<uint64_t, Tenant> tenants;  // by token
  std::vector<Request> queue;          // in the order to be served
  uint32_t flavor_devices_max = 64;
};

View make_view(const Site& site);

}  // namespace moai::control
