// moai._C: what the Python package sees of the front.
#include <torch/csrc/DynamicTypes.h>
#include <torch/csrc/utils/device_lazy_init.h>
#include <torch/csrc/utils/pybind.h>

#include "moai/base/profile.h"
#include "moai/driver/rehearsal/rehearsal.h"
#include "moai/front/bind/graphs.h"
#include "moai/front/bind/interpreter.h"
#include "moai/front/bind/lines.h"
#include "moai/front/bind/solo_group.h"
#include "moai/front/capture/capture.h"
#include "moai/front/capture/registration.h"
#include "moai/front/device/device_type.h"
#include "moai/front/device/engine.h"
#include "moai/front/device/generator.h"
#include "moai/front/device/guard.h"
#include "moai/front/device/memory.h"
#include "moai/front/device/memory_history.h"
#include "moai/front/device/pinned.h"
#include "moai/front/device/settings.h"
#include "moai/front/device/skipping.h"

namespace py = pybind11;

namespace moai::front {
namespace {

py::list memory_blocks() {
  py::list blocks;
  for (const DeviceMemory::Block& b : DeviceMemory::instance().blocks()) {
    blocks.append(py::make_tuple(reinterpret_cast<uintptr_t>(b.address), b.size_bytes));
  }
  return blocks;
}

py::list memory_events() {
  py::list events;
  for (const MemoryEvent& e : memory_history()) {
    events.append(
        py::make_tuple(static_cast<int>(e.action), e.address, e.size_bytes, e.time_us, e.line));
  }
  return events;
}

// In the form of torch.cuda.host_memory_stats().
py::dict pinned_statistics() {
  const at::HostStats s = pinned_allocator().get_stats();
  py::dict d;
  const auto add = [&d](const char* name, const c10::CachingAllocator::Stat& stat) {
    py::dict values;
    values["current"] = stat.current;
    values["peak"] = stat.peak;
    values["allocated"] = stat.allocated;
    values["freed"] = stat.freed;
    d[name] = values;
  };
  add("allocations", s.allocations);
  add("allocated_bytes", s.allocated_bytes);
  add("active_requests", s.active_requests);
  add("active_bytes", s.active_bytes);
  d["num_host_alloc"] = s.num_host_alloc;
  d["num_host_free"] = s.num_host_free;
  return d;
}

py::dict statistics() {
  py::dict d;
  const RecipeCache::Counters cache = recipes().counters();
  d["recipe_hits"] = cache.hits;
  d["recipe_misses"] = cache.misses;
  d["recipes"] = cache.size;
  d["whole_operators"] = whole_operators();
  const driver::Driver* started = engine_if_started();
  if (!started) return d;
  const driver::Statistics s = started->statistics();
  d["calls"] = s.calls;
  d["template_calls"] = s.template_calls;
  d["windows"] = s.windows;
  d["templates"] = s.templates;
  d["diverged"] = s.diverged;
  d["flushes"] = s.flushes;
  d["bytes_sent"] = s.bytes_sent;
  d["bytes_received"] = s.bytes_received;
  d["round_trips"] = s.round_trips;
  d["pushed_reads"] = s.pushed_reads;
  d["pushed_hits"] = s.pushed_hits;
  d["worker_busy_ns"] = s.worker_busy_ns;
  d["connected"] = started->connected();
  return d;
}

py::dict settings() {
  const Settings s = read_settings();
  py::dict d;
  d["device_name"] = s.device_name;
  d["flavor"] = s.flavor;
  d["manager_address"] = s.manager_address;
  d["quiet"] = s.quiet;
  d["rehearsal"] = s.rehearsal;
  d["may_compile"] = s.may_compile;
  d["disabled"] = s.disabled;
  d["device_type"] = s.device_type;
  return d;
}

// The text of a device error that nobody has seen yet; None when there is none.
py::object shutdown(bool failed) {
  if (!engine_if_started()) return py::none();
  try {
    wait_for(
        [failed](driver::Driver& d, const driver::Interrupt& i) { return d.shutdown(failed, i); });
  } catch (const c10::Error& error) {
    return py::str(error.what_without_backtrace());
  }
  return py::none();
}

void bind_device(py::module_& m) {
  m.def("choose_device", &choose_device_kind, py::arg("name"),
        "What torch shall know the device as, \"cuda\" or \"moai\". Before register_device().");
  m.def("register_device", &register_device, "Puts the device into torch. Once.");
  m.def("set_library_folders", &set_library_folders);
  m.def("set_startup", [](std::string program, std::string version, std::string framework,
                          std::string command) {
    set_startup({std::move(program), std::move(version), std::move(framework), std::move(command)});
  });
  m.def("ask_for_plan", [](const std::string& pins) { raise_if_error(ask_for_plan(pins)); });
  m.def("settings", &settings);
  m.def("synchronize", &synchronize);
  m.def("set_sync_debug_mode", &set_sync_debug_mode);
  m.def("sync_debug_mode", &sync_debug_mode);
  m.def("shutdown", &shutdown, py::arg("failed"));
  m.def("step_end", [] {
    const Span span(SpanKind::kStepEnd, "step_end");
    step_end();
  });
  m.def("rehearsal_complete", [] {
    const auto* rehearsal = dynamic_cast<const driver::Rehearsal*>(engine_if_started());
    return rehearsal && rehearsal->complete();
  });
  m.def("compile_windows", [] { engine().compile_windows(); });
  m.def("bind_distributed", [m]() mutable { bind_solo_group(m); });
  m.def("register_fork_handler",
        [] { torch::utils::register_fork_handler_for_device_init(device_type()); });
  m.def("in_bad_fork", [] { return torch::utils::is_device_in_bad_fork(device_type()); });
}

void bind_memory(py::module_& m) {
  m.def("total_memory", &device_memory_bytes);
  m.def("memory_blocks", &memory_blocks);
  m.def("record_memory_history", &record_memory_history);
  m.def("records_memory_history", &records_memory_history);
  m.def("memory_events", &memory_events);
  m.def("resize_storage", [](const py::object& storage, uint64_t size_bytes) {
    resize(*torch::createStorage(storage.ptr()).unsafeGetStorageImpl(), size_bytes);
  });
  m.def("memory_info", [] { return DeviceMemory::instance().getMemoryInfo(0); });
  m.def("reset_peak_memory", [] { DeviceMemory::instance().resetPeakStats(0); });
  m.def("reset_accumulated_memory", [] { DeviceMemory::instance().resetAccumulatedStats(0); });
  m.def("empty_cache", [] { DeviceMemory::instance().emptyCache(); });
  m.def("set_memory_fraction", [](double f) { DeviceMemory::instance().set_fraction(f); });
  m.def("memory_fraction", [] { return DeviceMemory::instance().fraction(); });
  m.def("pinned_statistics", &pinned_statistics);
  m.def("reset_peak_pinned", [] { pinned_allocator().reset_peak_stats(); });
  m.def("reset_accumulated_pinned", [] { pinned_allocator().reset_accumulated_stats(); });
}

void bind_streams(py::module_& m) {
  m.def("current_stream", &current_stream);
  m.def("set_current_stream", &set_current_stream);
  m.def("elapsed_ms", [](intptr_t begin, intptr_t end) {
    return elapsed_ms(reinterpret_cast<void*>(begin), reinterpret_cast<void*>(end));
  });
  m.def("default_generator", &default_generator);
}

void bind_profile(py::module_& m) {
  m.def("profile_start", &profile::start);
  m.def("profile_now", &profile::now_ns);
  m.def("profile_autograd", [](uint64_t begin_ns) {
    if (profile::on()) {
      profile::add(SpanKind::kAutograd, "backward", begin_ns, profile::now_ns());
    }
  });
  m.def("profile_write", [](const std::string& path) {
    const Status status = profile::write_trace(path);
    if (!status.ok()) throw std::runtime_error(status.message());
  });
}

void bind_insight(py::module_& m) {
  m.def("statistics", &statistics);
  m.def("clear_recipes", [] { recipes().clear(); });
  m.def("current_line", [] { return python_line_text(current_python_line()); });
  m.def("describe_windows", [] {
    const driver::Driver* started = engine_if_started();
    return started ? started->describe_windows() : std::string();
  });
}

}  // namespace
}  // namespace moai::front

PYBIND11_MODULE(_C, m) {
  moai::front::set_script(moai::front::python_script());
  moai::front::bind_device(m);
  moai::front::bind_memory(m);
  moai::front::bind_streams(m);
  moai::front::bind_graphs(m);
  moai::front::bind_skipping(m);
  moai::front::bind_insight(m);
  moai::front::bind_profile(m);
}
