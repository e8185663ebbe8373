#include "moai/front/device/worker_memory.h"

#include <atomic>

#include "moai/front/device/captured_graph.h"
#include "moai/front/device/engine.h"

namespace moai::front {
namespace {

// Markers at which the Worker did it; 0: never asked for.
std::atomic<uint64_t> g_reset{0}, g_trim{0};

// Null where there is no Worker to be told or asked.
driver::Driver* connected() {
  if (capturing()) return nullptr;
  driver::Driver* driver = engine_if_started();
  return driver && driver->connected() && driver->ended().ok() ? driver : nullptr;
}

bool is_reached(uint64_t marker, bool wait) {
  bool reached = false;
  wait_for([&](driver::Driver& d, const driver::Interrupt& interrupt) -> Status {
    const auto state = d.reached(marker, wait, interrupt);
    if (state.ok()) reached = state->reached;
    return state.status();
  });
  return reached;
}

}  // namespace

void reset_worker_peak() {
  if (driver::Driver* driver = connected()) g_reset = driver->marker({.resets_peak = true});
}

void trim_worker() {
  if (driver::Driver* driver = connected()) g_trim = driver->marker({.trims_memory = true});
}

WorkerMemory worker_memory() {
  const driver::Driver* driver = connected();
  if (!driver) return {};
  if (const uint64_t trim = g_trim.exchange(0)) is_reached(trim, true);
  const uint64_t reset = g_reset;
  const bool peak_counts = reset == 0 || is_reached(reset, false);
  if (reset && peak_counts) g_reset = 0;
  const dispatch::Memory told = driver->worker_memory();
  return {peak_counts ? told.peak_bytes : 0, told.reserved_bytes};
}

}  // namespace moai::front
