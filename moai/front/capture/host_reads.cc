#include "moai/front/capture/host_reads.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "moai/front/device/engine.h"

namespace moai::front {

HostReads& HostReads::instance() {
  static auto* reads = new HostReads;  // used until the process ends
  return *reads;
}

bool HostReads::take(graph::StorageId storage, uint64_t size, char* out) {
  const auto it = fetched_.find(storage);
  if (it == fetched_.end() || it->second.size() != size) return false;
  std::memcpy(out, it->second.data(), size);
  fetched_.erase(it);
  return true;
}

// How much may be fetched beyond the read at hand.
uint64_t HostReads::batch_bytes(bool whole, uint64_t version) {
  const bool in_a_row = version == version_;
  if (!in_a_row) {
    fetched_.clear();
    batch_bytes_ = 0;
  }
  version_ = version;
  if (!whole) return 0;
  if (in_a_row) batch_bytes_ = std::clamp(batch_bytes_ * 2, kFirstBatch, kLargestBatch);
  return batch_bytes_;
}

void HostReads::read(const Place& place, uint64_t offset, uint64_t size, char* out) {
  note_waiting();
  const bool whole = offset == 0 && size == place.storage_bytes && size > kSmall;
  const uint64_t version = engine().version();
  std::vector<DeviceMemory::Live> more;
  {
    const std::lock_guard lock(mutex_);
    const uint64_t bytes = batch_bytes(whole, version);
    if (whole && take(place.storage, size, out)) return;
    if (bytes) more = DeviceMemory::instance().made_after(place.storage, bytes);
  }
  const driver::Driver::ReadInto wanted{place.storage, offset, size, out};
  wait_for([&](driver::Driver& d, const driver::Interrupt& interrupt) {
    return d.read({&wanted, 1}, interrupt);
  });
  if (!more.empty()) fetch(more, version);
}

// In a request of its own: one of these storages may be poisoned, which concerns nobody yet.
void HostReads::fetch(const std::vector<DeviceMemory::Live>& storages, uint64_t version) {
  std::vector<std::string> contents(storages.size());
  std::vector<driver::Driver::ReadInto> ranges;
  for (size_t i = 0; i < storages.size(); ++i) {
    contents[i].resize(storages[i].size_bytes);
    ranges.push_back({storages[i].id, 0, storages[i].size_bytes, contents[i].data()});
  }
  Status fetched;
  wait_for([&](driver::Driver& d, const driver::Interrupt& interrupt) {
    fetched = d.read(ranges, interrupt);
    return fetched.code() == Code::kCancelled ? fetched : ok_status();
  });
  const std::lock_guard lock(mutex_);
  if (!fetched.ok() || version_ != version || engine().version() != version) return;
  for (size_t i = 0; i < storages.size(); ++i) fetched_[storages[i].id] = std::move(contents[i]);
}

}  // namespace moai::front
