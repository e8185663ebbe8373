#include "moai/toolkit/snapshot.h"

#include <algorithm>

#include "moai/base/environment.h"
#include "moai/toolkit/known_accelerators.h"

namespace moai::toolkit {
namespace {

constexpr const char* kDefaultName = "MoAI Accelerator";
constexpr const char* kDefaultFlavor = "Small.64GB";  // the first of those a new store begins with

v1::Accelerators accelerators_to_come(const Platform& platform) {
  if (auto known = known_accelerators(platform.state_dir)) return *std::move(known);
  v1::Accelerators out;
  v1::Accelerator* first = out.add_accelerators();
  first->set_name(environment("MOAI_DEVICE_NAME").value_or(kDefaultName));
  first->set_is_default(true);
  first->set_token("local");
  first->mutable_flavor()->set_id(1);
  first->mutable_flavor()->set_name(kDefaultFlavor);
  first->mutable_flavor()->set_devices(1);
  first->mutable_flavor()->set_memory_bytes(platform.memory_bytes);
  return out;
}

}  // namespace

Result<Snapshot> take_snapshot(const std::string& client_version, Platform& platform) {
  Snapshot snapshot;
  snapshot.client_version = client_version;
  v1::Accelerators list;
  if (platform.api) {
    snapshot.state = platform.local ? "local" : "configured";
    snapshot.address = platform.address;
    v1::GetServerRequest request;
    request.set_client_version(client_version);
    request.set_observe(true);
    MOAI_ASSIGN_OR_RETURN(snapshot.server, platform.api->get_server(request));
    MOAI_ASSIGN_OR_RETURN(list, platform.api->list_accelerators({}));
    remember_accelerators(platform, list);
  } else {
    snapshot.state = "stopped";
    snapshot.server.set_version(client_version);
    snapshot.server.set_latest_version(client_version);
    list = accelerators_to_come(platform);
    snapshot.server.set_device_name(list.accelerators_size() ? list.accelerators(0).name()
                                                             : kDefaultName);
  }
  snapshot.accelerators.assign(list.accelerators().begin(), list.accelerators().end());
  return snapshot;
}

Status keep_accelerator(Snapshot* snapshot, uint32_t number) {
  std::string numbers;
  for (const v1::Accelerator& accelerator : snapshot->accelerators) {
    numbers += (numbers.empty() ? "" : ", ") + std::to_string(accelerator.number());
  }
  std::erase_if(snapshot->accelerators,
                [&](const v1::Accelerator& a) { return a.number() != number; });
  if (!snapshot->accelerators.empty()) return ok_status();
  return not_found("This token has no accelerator " + std::to_string(number) +
                   "; its accelerators are: " + numbers);
}

const v1::Accelerator* default_accelerator(const Snapshot& snapshot) {
  for (const v1::Accelerator& accelerator : snapshot.accelerators) {
    if (accelerator.is_default()) return &accelerator;
  }
  return nullptr;
}

bool is_held(const v1::Process& process) {
  return process.state() != "requested" && process.state() != "queued";
}

}  // namespace moai::toolkit
