// Memory of the device as torch sees it: addresses without memory behind them.
//
// Every storage gets a 512-byte aligned address in a reserved range, unique among live storages, so
// that pointer arithmetic, aliasing checks and printing work; reading through it faults. The range
// of a rehearsal, which may be of what fills thousands of devices, is larger than what a process
// can reserve and lies where nothing is mapped. What the platform knows is the StorageId beside an
// address. Live bytes are counted here, so that running out of memory is raised at the call.
//
// Thread-safe. Releasing in a forked child does nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "moai/front/torch_headers.h"
#include "moai/graph/window.h"

namespace moai::front {

// One storage; the context of its DataPtr.
struct DeviceBuffer {
  graph::StorageId id = 0;
  uint64_t size_bytes = 0;
  char* address = nullptr;
  // Whether the driver knows the id: results of calls are known from birth, others from their first
  // use on.
  std::atomic<bool> announced{false};
  DeviceBuffer* previous = nullptr;
  DeviceBuffer* next = nullptr;
};

// Null when the storage is not of the device or has no memory.
inline DeviceBuffer* buffer_of(const c10::StorageImpl& storage);

class DeviceMemory final : public c10::DeviceAllocator {
 public:
  static DeviceMemory& instance();

  c10::DataPtr allocate(size_t size_bytes) override;
  // The same for a storage whose id exists: `announced` ones are known to the driver already.
  c10::DataPtr allocate_as(graph::StorageId id, size_t size_bytes, bool announced);
  c10::DeleterFnPtr raw_deleter() const override { return nullptr; }
  bool initialized() override { return true; }
  void emptyCache(c10::MempoolId_t = {0, 0}) override;
  void recordStream(const c10::DataPtr&, c10::Stream) override {}
  // Allocated bytes are those of live tensors; peak and reserved ones are the Worker's where it
  // has told more.
  c10::CachingDeviceAllocator::DeviceStats getDeviceStats(c10::DeviceIndex) override;
  void resetAccumulatedStats(c10::DeviceIndex) override;
  void resetPeakStats(c10::DeviceIndex) override;
  std::pair<size_t, size_t> getMemoryInfo(c10::DeviceIndex) override;
  void copy_data(void* destination, const void* source, size_t size_bytes) const override;

  // The part of the device that this process may use: then running out is raised.
  void set_fraction(double fraction);
  double fraction() const { return fraction_.load(); }
  bool owns(const void* address) const {
    return address >= base_ && address < base_ + range_bytes_;
  }
  // The live storage that `address` lies in, for tensors that torch makes of a bare pointer; null
  // when there is none. Walks all storages.
  DeviceBuffer* find(const void* address) const;

  // Storages made after `id` that the Worker has, in order, of at most `bytes_max` together.
  struct Live {
    graph::StorageId id = 0;
    uint64_t size_bytes = 0;
  };
  std::vector<Live> made_after(graph::StorageId id, uint64_t bytes_max) const;

  struct Block {
    const char* address = nullptr;
    uint64_t size_bytes = 0;
  };
  // All live storages, by address.
  std::vector<Block> blocks() const;

  // Deleter of the DataPtr of every storage of the device.
  static void release(void* buffer);

 private:
  static constexpr int kSizeClasses = 4 * 64;

  DeviceMemory();
  uint64_t limit_bytes() const;
  uint64_t live_bytes() const { return static_cast<uint64_t>(stats_.allocated_bytes[0].current); }
  void count_new(uint64_t size_bytes);
  bool may_hold_less();
  void count_gone(uint64_t size_bytes);
  char* take_address(uint64_t size_bytes);
  [[noreturn]] void raise_out_of_memory(uint64_t size_bytes);

  char* base_;
  uint64_t range_bytes_;
  mutable std::mutex mutex_;
  uint64_t used_bytes_ = 512;                       // guarded by mutex_: of the range
  std::vector<char*> free_[kSizeClasses];           // guarded by mutex_: addresses to use again
  DeviceBuffer live_;                               // guarded by mutex_: head of the list
  c10::CachingDeviceAllocator::DeviceStats stats_;  // guarded by mutex_
  std::atomic<double> fraction_{1.0};
  std::optional<bool> may_hold_less_;  // guarded by mutex_; once it was asked
};

inline DeviceBuffer* buffer_of(const c10::StorageImpl& storage) {
  const c10::DataPtr& data = storage.data_ptr();
  return data.get_deleter() == &DeviceMemory::release
             ? static_cast<DeviceBuffer*>(data.get_context())
             : nullptr;
}

// Tells the driver of the storage, once, before its first use.
void announce(DeviceBuffer& buffer);
// The same by an upload that the caller does next. True when the storage was not known before.
bool announce_by_upload(DeviceBuffer& buffer);

// The storage and the element offset in it of a tensor of the device; {0, …} without elements.
struct Place {
  graph::StorageId storage = 0;
  uint64_t storage_bytes = 0;
  int64_t offset = 0;  // in elements
};
Place place_of(const at::Tensor& tensor);
// The same for a tensor that is about to be overwritten from the host; `makes` tells that the
// upload makes its storage.
Place place_for_upload(const at::Tensor& tensor, bool* makes);

// Grows the storage to at least `size_bytes`; its id and bytes stay.
void grow(c10::StorageImpl& storage, uint64_t size_bytes);
// As torch.UntypedStorage.resize_: to nothing gives the memory back.
void resize(c10::StorageImpl& storage, uint64_t size_bytes);

}  // namespace moai::front
