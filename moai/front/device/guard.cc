#include "moai/front/device/guard.h"

#include <atomic>

#include "moai/front/device/captured_graph.h"
#include "moai/front/device/device_type.h"
#include "moai/front/device/engine.h"

namespace moai::front {
namespace {

using c10::Device;
using c10::DeviceIndex;
using c10::Stream;
using c10::StreamId;

thread_local StreamId t_stream = 0;
std::atomic<StreamId> g_next_stream{1};

struct Event {
  uint64_t marker = 0;
};

driver::MarkerState state_of(void* event, bool wait) {
  driver::MarkerState state;
  const uint64_t marker = static_cast<Event*>(event)->marker;
  if (marker == 0) return {.reached = true};  // recorded in a captured graph only
  wait_for([&](driver::Driver& d, const driver::Interrupt& interrupt) -> Status {
    auto result = d.reached(marker, wait, interrupt);
    if (result.ok()) state = *result;
    return result.status();
  });
  return state;
}

Stream named_stream(StreamId id) { return Stream(Stream::UNSAFE, Device(device_type(), 0), id); }

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return device_type(); }
  Device exchangeDevice(Device) const override { return Device(device_type(), 0); }
  Device getDevice() const override { return Device(device_type(), 0); }
  void setDevice(Device d) const override {
    TORCH_CHECK(d.index() <= 0, device_kind().title, " error: invalid device ordinal");
  }
  void uncheckedSetDevice(Device) const noexcept override {}
  DeviceIndex deviceCount() const noexcept override { return 1; }
  c10::DeviceCapability getDeviceCapability(Device) const override { return {}; }

  Stream getStream(Device) const override { return named_stream(t_stream); }
  Stream getDefaultStream(Device) const override { return named_stream(0); }
  Stream getStreamFromGlobalPool(Device, bool) const override {
    return named_stream(g_next_stream++);
  }
  Stream getNewStream(Device, int) const override { return named_stream(g_next_stream++); }
  Stream exchangeStream(Stream s) const override {
    const Stream old = named_stream(t_stream);
    t_stream = s.id();
    return old;
  }
  void* getStreamNativeHandle(const Stream s) const override {
    return reinterpret_cast<void*>(s.id());
  }
  bool queryStream(const Stream&) const override { return is_idle(); }
  void synchronizeStream(const Stream&) const override { synchronize(); }
  void synchronizeDevice(const DeviceIndex) const override { synchronize(); }
  bool isStreamCapturing(const Stream&) const override { return capturing(); }

  void record(void** event, const Stream&, const DeviceIndex, const c10::EventFlag) const override {
    if (!*event) *event = new Event;
    if (!capturing()) static_cast<Event*>(*event)->marker = engine().marker({});
  }
  void block(void*, const Stream&) const override {}
  bool queryEvent(void* event) const override { return !event || state_of(event, false).reached; }
  void synchronizeEvent(void* event) const override {
    if (event) state_of(event, true);
  }
  void destroyEvent(void* event, const DeviceIndex) const noexcept override {
    delete static_cast<Event*>(event);
  }
  double elapsedTime(void* begin, void* end, const DeviceIndex) const override {
    return elapsed_ms(begin, end);
  }
  void recordDataPtrOnStream(const c10::DataPtr&, const Stream&) const override {}
};

}  // namespace

void register_guard() {
  static const Guard guard;
  c10::impl::registerDeviceGuard(device_type(), &guard);
}

int64_t current_stream() { return t_stream; }
void set_current_stream(int64_t stream) { t_stream = stream; }

std::shared_ptr<void> record_event() {
  return std::make_shared<Event>(Event{capturing() ? 0 : engine().marker({})});
}

double elapsed_ms(void* begin_event, void* end_event) {
  TORCH_CHECK(begin_event && end_event,
              "Both events must be recorded before calculating elapsed time.");
  const uint64_t begin_ns = state_of(begin_event, true).time_ns;
  const uint64_t end_ns = state_of(end_event, true).time_ns;
  return (static_cast<double>(end_ns) - static_cast<double>(begin_ns)) / 1e6;
}

}  // namespace moai::front
