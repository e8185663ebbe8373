#include "moai/front/device/memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>

#include "moai/driver/plan_in_time.h"
#include "moai/front/device/captured_graph.h"
#include "moai/front/device/device_type.h"
#include "moai/front/device/engine.h"
#include "moai/front/device/memory_history.h"
#include "moai/front/device/settings.h"
#include "moai/front/device/worker_memory.h"

namespace moai::front {
namespace {

c10::Device device() { return {device_type(), 0}; }

// Four classes a power of two: an address wastes at most a quarter of its range.
struct SizeClass {
  int index;
  uint64_t size_bytes;
};
SizeClass size_class(uint64_t size_bytes) {
  const uint64_t size = std::max<uint64_t>((size_bytes + 511) & ~uint64_t{511}, 512);
  const int power = std::bit_width(size) - 1;
  const uint64_t quarter = uint64_t{1} << (power - 2);
  const uint64_t quarters = (size + quarter - 1) / quarter;  // 4..8
  return {power * 4 + static_cast<int>(quarters - 4), quarters * quarter};
}

std::string readable(uint64_t size_bytes) {
  const double size = static_cast<double>(size_bytes);
  char text[48];
  if (size_bytes < (uint64_t{1} << 20)) {
    snprintf(text, sizeof text, "%.2f KiB", size / 1024);
  } else if (size_bytes < (uint64_t{1} << 30)) {
    snprintf(text, sizeof text, "%.2f MiB", size / (1 << 20));
  } else {
    snprintf(text, sizeof text, "%.2f GiB", size / (1 << 30));
  }
  return text;
}

// As in torch's allocator: small ones come from a pool of their own.
size_t pool_of(uint64_t size_bytes) { return size_bytes <= (uint64_t{1} << 20) ? 1 : 2; }

constexpr uint64_t kReservedBytes = uint64_t{1} << 44;
// A rehearsal's: 32 PiB where nothing is ever mapped unless asked for there.
constexpr uint64_t kImaginaryBytes = uint64_t{1} << 55;

std::mutex g_announce;

}  // namespace

DeviceMemory& DeviceMemory::instance() {
  static auto* memory = new DeviceMemory;  // outlives every tensor
  return *memory;
}

DeviceMemory::DeviceMemory() {
  if (!read_settings().rehearsal.empty()) {
    base_ = reinterpret_cast<char*>(kImaginaryBytes);
    range_bytes_ = kImaginaryBytes;
    return;
  }
  range_bytes_ = kReservedBytes;
  void* range =
      mmap(nullptr, range_bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  TORCH_CHECK(range != MAP_FAILED, "[front.memory] no address range of 16 TiB: raise `ulimit -v`");
  base_ = static_cast<char*>(range);
}

c10::DataPtr DeviceMemory::allocate(size_t size_bytes) {
  if (size_bytes == 0) return {nullptr, device()};
  return allocate_as(engine().next_storage(), size_bytes, false);
}

c10::DataPtr DeviceMemory::allocate_as(graph::StorageId id, size_t size_bytes, bool announced) {
  auto buffer = std::make_unique<DeviceBuffer>();
  buffer->id = id;
  buffer->size_bytes = size_bytes;
  buffer->announced.store(announced, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    count_new(size_bytes);
    buffer->address = take_address(size_bytes);
    buffer->previous = &live_;
    buffer->next = live_.next;
    if (live_.next) live_.next->previous = buffer.get();
    live_.next = buffer.get();
  }
  char* address = buffer->address;
  note_memory(MemoryEvent::Action::kAlloc, reinterpret_cast<uint64_t>(address), size_bytes);
  return {address, buffer.release(), &release, device()};
}

uint64_t DeviceMemory::limit_bytes() const {
  const auto total = static_cast<double>(device_memory_bytes());
  return static_cast<uint64_t>(total * fraction_.load());
}

// Whether Workers may hold less than what is live here: then running out is theirs to say.
bool DeviceMemory::may_hold_less() {
  if (fraction_.load() < 1) return false;
  if (!may_hold_less_) {
    const auto plans = driver::plans_in_time(read_settings().plan);
    may_hold_less_ = plans.ok() && *plans;  // what is wrong with it is said where it is connected
  }
  return *may_hold_less_;
}

void DeviceMemory::count_new(uint64_t size_bytes) {
  if (live_bytes() + size_bytes > limit_bytes() && !may_hold_less()) {
    raise_out_of_memory(size_bytes);
  }
  for (const size_t pool : {size_t{0}, pool_of(size_bytes)}) {
    stats_.allocation[pool].increase(1);
    stats_.allocated_bytes[pool].increase(size_bytes);
  }
}

void DeviceMemory::count_gone(uint64_t size_bytes) {
  for (const size_t pool : {size_t{0}, pool_of(size_bytes)}) {
    stats_.allocation[pool].decrease(1);
    stats_.allocated_bytes[pool].decrease(size_bytes);
  }
}

char* DeviceMemory::take_address(uint64_t size_bytes) {
  const SizeClass c = size_class(size_bytes);
  if (auto& addresses = free_[c.index]; !addresses.empty()) {
    char* address = addresses.back();
    addresses.pop_back();
    return address;
  }
  TORCH_CHECK(used_bytes_ + c.size_bytes < range_bytes_, "[front.memory] address range used up");
  char* address = base_ + used_bytes_;
  used_bytes_ += c.size_bytes;
  return address;
}

void DeviceMemory::raise_out_of_memory(uint64_t size_bytes) {
  ++stats_.num_ooms;
  note_memory(MemoryEvent::Action::kOutOfMemory, 0, size_bytes);
  const uint64_t total = device_memory_bytes();
  const uint64_t free = total - std::min(total, live_bytes());
  const double fraction = fraction_.load();
  const std::string allowed = fraction < 1 ? readable(limit_bytes()) + " allowed; " : std::string();
  TORCH_CHECK_WITH(OutOfMemoryError, false, device_kind().title,
                   " out of memory. Tried to allocate ", readable(size_bytes),
                   ". GPU 0 has a total capacity of ", readable(total), " of which ",
                   readable(free), " is free. ", allowed, "Of the allocated memory ",
                   readable(live_bytes()), " is allocated by PyTorch.");
}

void DeviceMemory::release(void* context) {
  if (!context || in_forked_child()) return;
  const std::unique_ptr<DeviceBuffer> buffer(static_cast<DeviceBuffer*>(context));
  DeviceMemory& self = instance();
  note_memory(MemoryEvent::Action::kFree, reinterpret_cast<uint64_t>(buffer->address),
              buffer->size_bytes);
  {
    const std::lock_guard lock(self.mutex_);
    buffer->previous->next = buffer->next;
    if (buffer->next) buffer->next->previous = buffer->previous;
    self.count_gone(buffer->size_bytes);
    self.free_[size_class(buffer->size_bytes).index].push_back(buffer->address);
  }
  driver::Driver* driver = engine_if_started();
  if (!driver || !buffer->id || !buffer->announced.load()) return;
  if (!kept_by_graph(buffer->id)) driver->free(buffer->id);
}

DeviceBuffer* DeviceMemory::find(const void* address) const {
  const auto* at = static_cast<const char*>(address);
  const std::lock_guard lock(mutex_);
  for (DeviceBuffer* b = live_.next; b; b = b->next) {
    if (at >= b->address && at < b->address + b->size_bytes) return b;
  }
  return nullptr;
}

std::vector<DeviceMemory::Live> DeviceMemory::made_after(graph::StorageId id,
                                                         uint64_t bytes_max) const {
  constexpr size_t kCountMax = 1024;
  std::vector<Live> newer;
  const std::lock_guard lock(mutex_);
  // The list begins with the newest.
  for (const DeviceBuffer* b = live_.next; b && b->id != id; b = b->next) {
    if (b->id > id && b->announced.load()) newer.push_back({b->id, b->size_bytes});
  }
  std::reverse(newer.begin(), newer.end());
  size_t count = 0;
  uint64_t bytes = 0;
  while (count < newer.size() && count < kCountMax &&
         bytes + newer[count].size_bytes <= bytes_max) {
    bytes += newer[count++].size_bytes;
  }
  newer.resize(count);
  return newer;
}

std::vector<DeviceMemory::Block> DeviceMemory::blocks() const {
  std::vector<Block> blocks;
  {
    const std::lock_guard lock(mutex_);
    for (const DeviceBuffer* b = live_.next; b; b = b->next) {
      blocks.push_back({b->address, b->size_bytes});
    }
  }
  std::ranges::sort(blocks, {}, &Block::address);
  return blocks;
}

c10::CachingDeviceAllocator::DeviceStats DeviceMemory::getDeviceStats(c10::DeviceIndex) {
  const WorkerMemory worker = worker_memory();
  const std::lock_guard lock(mutex_);
  auto& bytes = stats_.allocated_bytes[0];
  // A fraction bounds tensors; workspace beyond it is the Worker's own affair.
  const uint64_t peak = std::min(worker.peak_bytes, limit_bytes());
  bytes.peak = std::max(bytes.peak, static_cast<int64_t>(peak));
  auto& reserved = stats_.reserved_bytes[0];
  reserved.current = std::max(bytes.current, static_cast<int64_t>(worker.reserved_bytes));
  reserved.peak = std::max({reserved.peak, reserved.current, bytes.peak});
  c10::CachingDeviceAllocator::DeviceStats stats = stats_;
  for (const size_t pool : {size_t{1}, size_t{2}}) {
    stats.reserved_bytes[pool] = stats.allocated_bytes[pool];
  }
  stats.active = stats.allocation;
  stats.segment = stats.allocation;  // a Worker keeps each block apart
  stats.active_bytes = stats.requested_bytes = stats.allocated_bytes;
  stats.max_split_size = -1;
  return stats;
}

void DeviceMemory::resetAccumulatedStats(c10::DeviceIndex) {
  const std::lock_guard lock(mutex_);
  for (size_t pool = 0; pool < stats_.allocation.size(); ++pool) {
    stats_.allocation[pool].reset_accumulated();
    stats_.allocated_bytes[pool].reset_accumulated();
  }
  stats_.num_ooms = 0;
}

void DeviceMemory::resetPeakStats(c10::DeviceIndex) {
  reset_worker_peak();
  const std::lock_guard lock(mutex_);
  for (size_t pool = 0; pool < stats_.allocation.size(); ++pool) {
    stats_.allocation[pool].reset_peak();
    stats_.allocated_bytes[pool].reset_peak();
  }
  stats_.reserved_bytes[0].reset_peak();
}

void DeviceMemory::emptyCache(c10::MempoolId_t) { trim_worker(); }

void DeviceMemory::set_fraction(double fraction) {
  TORCH_CHECK(fraction >= 0 && fraction <= 1, "invalid fraction:", fraction,
              ". Please set within [0, 1].");
  fraction_ = fraction;
}

std::pair<size_t, size_t> DeviceMemory::getMemoryInfo(c10::DeviceIndex) {
  const uint64_t total = device_memory_bytes();
  const WorkerMemory worker = worker_memory();
  const std::lock_guard lock(mutex_);
  const uint64_t used = std::max(live_bytes(), worker.reserved_bytes);
  return {total - std::min(total, used), total};
}

void DeviceMemory::copy_data(void*, const void*, size_t) const {
  TORCH_CHECK(false, "[front.memory] bytes of the device cannot be copied by pointer");
}

void announce(DeviceBuffer& buffer) {
  if (buffer.announced.load(std::memory_order_acquire)) return;
  const std::lock_guard lock(g_announce);
  if (buffer.announced.load()) return;
  engine().alloc(buffer.id, buffer.size_bytes);
  buffer.announced.store(true, std::memory_order_release);
}

bool announce_by_upload(DeviceBuffer& buffer) {
  if (buffer.announced.load(std::memory_order_acquire)) return false;
  const std::lock_guard lock(g_announce);
  return !buffer.announced.exchange(true);
}

namespace {

template <class Announce>
Place place_by(const at::Tensor& tensor, const Announce& announce) {
  const c10::TensorImpl& impl = *tensor.unsafeGetTensorImpl();
  Place place;
  place.offset = impl.storage_offset();
  const c10::StorageImpl& storage = *impl.unsafe_storage().unsafeGetStorageImpl();
  DeviceBuffer* buffer = buffer_of(storage);
  if (!buffer && impl.numel() != 0) {
    const auto* address = static_cast<const char*>(storage.data());
    buffer = DeviceMemory::instance().find(address);
    TORCH_CHECK(buffer, "[front.memory] a tensor of shape ", tensor.sizes(),
                " has no memory on the device");
    place.offset += (address - buffer->address) / static_cast<int64_t>(tensor.itemsize());
  }
  if (!buffer) return place;
  announce(*buffer);
  place.storage = buffer->id;
  place.storage_bytes = buffer->size_bytes;
  return place;
}

}  // namespace

Place place_of(const at::Tensor& tensor) {
  return place_by(tensor, [](DeviceBuffer& buffer) { announce(buffer); });
}

Place place_for_upload(const at::Tensor& tensor, bool* makes) {
  return place_by(tensor, [makes](DeviceBuffer& buffer) { *makes = announce_by_upload(buffer); });
}

void resize(c10::StorageImpl& storage, uint64_t size_bytes) {
  if (size_bytes > storage.nbytes()) return grow(storage, size_bytes);
  if (size_bytes == 0) storage.set_data_ptr_noswap({nullptr, device()});
  storage.set_nbytes(size_bytes);
}

void grow(c10::StorageImpl& storage, uint64_t size_bytes) {
  if (storage.nbytes() >= size_bytes) return;
  DeviceMemory& memory = DeviceMemory::instance();
  DeviceBuffer* old = buffer_of(storage);
  if (!old) {
    storage.set_data_ptr_noswap(memory.allocate(size_bytes));
  } else {
    const bool announced = old->announced.load();
    c10::DataPtr grown = memory.allocate_as(old->id, size_bytes, announced);
    if (announced) engine().resize(old->id, size_bytes);
    old->id = 0;  // its release must not end the storage
    storage.set_data_ptr_noswap(std::move(grown));
  }
  storage.set_nbytes(size_bytes);
}

}  // namespace moai::front
