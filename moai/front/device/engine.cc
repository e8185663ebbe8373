#include "moai/front/device/engine.h"

#include <pthread.h>

#include <atomic>
#include <mutex>
#include <optional>

#include "moai/base/profile.h"
#include "moai/base/site_settings.h"
#include "moai/driver/mesh/plan_schedule.h"
#include "moai/front/device/device_type.h"
#include "moai/front/device/script.h"
#include "moai/front/device/settings.h"
#include "moai/front/torch_headers.h"

namespace moai::front {
namespace {

Script g_script;
std::mutex g_mutex;  // guards creation, g_startup and g_asked_plan
Startup g_startup;
std::optional<std::string> g_asked_plan;
std::atomic<driver::Driver*> g_engine{nullptr};
std::atomic<bool> g_forked{false};
std::atomic<int> g_sync_debug_mode{0};

// What is known of how far the device is, by versions of the driver.
struct Asked {
  uint64_t marker = 0;  // behind all that was recorded up to `version`
  uint64_t version = 0;
  uint64_t done_version = 0;
};
std::mutex g_asked_mutex;
Asked g_asked;  // guarded by g_asked_mutex

void after_fork() {
  g_forked.store(true);
  if (driver::Driver* started = g_engine.exchange(nullptr)) started->abandon();
}

driver::DriverOptions options() {
  const Settings s = read_settings();
  driver::DriverOptions o;
  o.session_program = g_startup.session_program;
  o.client_version = g_startup.client_version;
  o.framework = g_startup.framework;
  o.command = g_startup.command;
  o.manager_address = s.manager_address;
  o.token = s.token;
  o.ca_path = s.ca_path;
  o.flavor = s.flavor;
  o.device = s.device;
  o.quiet = s.quiet;
  o.plan = s.plan.empty() ? g_asked_plan.value_or("") : s.plan;
  o.searches_plan = s.searches_plan;
  o.tells_search = s.tells_search || (g_asked_plan && s.searches_plan);
  o.cluster_path = s.cluster_path;
  o.overlaps = s.overlaps;
  o.templates = s.templates;
  o.compiles = s.compiles;
  o.rehearsal_path = s.rehearsal;
  o.rehearsal_steps = s.rehearsal_steps;
  if (s.flush_nodes) o.flush_nodes = s.flush_nodes;
  o.state_dir = state_directory();
  o.line_text = [](graph::LineId line) {
    return script().line_text ? script().line_text(line) : std::string();
  };
  return o;
}

std::string with_origin(const Status& status, const driver::Driver& driver) {
  const driver::DeviceError error = driver.last_error();
  if (error.status != status || error.op.empty()) return status.message();
  std::string text = status.message() + "\n(raised by " + error.op;
  const std::string line = script().line_text ? script().line_text(error.line) : std::string();
  if (!line.empty()) text += ", called at " + line;
  return text + ")";
}

template <class ErrorClass>
[[noreturn]] void raise_as(const std::string& text) {
  throw ErrorClass({__func__, __FILE__, __LINE__}, text);
}

[[noreturn]] void raise_text(Code code, const std::string& text) {
  switch (code) {
    case Code::kInvalidArgument:
      raise_as<c10::ValueError>(text);
    case Code::kOutOfRange:
      raise_as<c10::IndexError>(text);
    case Code::kUnimplemented:
      raise_as<c10::NotImplementedError>(text);
    case Code::kResourceExhausted:
      raise_as<c10::OutOfMemoryError>(text);
    case Code::kFailedPrecondition:
      raise_as<c10::TypeError>(text);
    case Code::kAborted:
      raise_as<c10::LinAlgError>(text);
    default:
      raise_as<c10::Error>(text);
  }
}

}  // namespace

void set_script(const Script& script) { g_script = script; }
const Script& script() { return g_script; }

void set_startup(Startup startup) {
  const std::lock_guard lock(g_mutex);
  g_startup = std::move(startup);
}

Status ask_for_plan(const std::string& pins) {
  const auto schedule = driver::plan_schedule_from_string(pins);
  MOAI_RETURN_IF_ERROR(schedule.status());
  const std::lock_guard lock(g_mutex);
  if (g_engine.load()) {
    return failed_precondition("the device is in use already: its plan is asked for before that");
  }
  g_asked_plan = pins;
  return ok_status();
}

driver::Driver& engine() {
  if (driver::Driver* started = g_engine.load(std::memory_order_acquire)) return *started;
  TORCH_CHECK(!g_forked.load(), "Cannot re-initialize ", device_kind().title,
              " in forked subprocess. To use ", device_kind().title,
              " with multiprocessing, you must use the 'spawn' start method");
  const std::lock_guard lock(g_mutex);
  if (!g_engine.load()) {
    pthread_atfork(nullptr, nullptr, &after_fork);
    g_engine.store(driver::Driver::create(options()).release(), std::memory_order_release);
  }
  return *g_engine.load();
}

driver::Driver* engine_if_started() { return g_engine.load(std::memory_order_acquire); }
void set_engine(driver::Driver* driver) { g_engine.store(driver, std::memory_order_release); }
bool in_forked_child() { return g_forked.load(std::memory_order_relaxed); }

void raise_status(const Status& status) { raise_text(status.code(), status.message()); }

void raise_if_error(const Status& status) {
  if (status.ok()) return;
  if (engine().ended() == status && script().raise_ended) script().raise_ended(status);
  raise_text(status.code(), with_origin(status, engine()));
}

void wait_for(const std::function<Status(driver::Driver&, const driver::Interrupt&)>& wait) {
  driver::Driver& driver = engine();
  const driver::Interrupt interrupt = [] {
    return script().interrupted ? script().interrupted() : ok_status();
  };
  const Span span(SpanKind::kWait, "wait");
  driver.waits_at(current_line());
  Status status;
  {
    const ScriptReleased released;
    status = wait(driver, interrupt);
  }
  if (status.code() == Code::kCancelled && script().raise_pending) script().raise_pending();
  raise_if_error(status);
}

void set_sync_debug_mode(int mode) { g_sync_debug_mode = mode; }
int sync_debug_mode() { return g_sync_debug_mode; }

void note_waiting() {
  const int mode = g_sync_debug_mode.load(std::memory_order_relaxed);
  TORCH_CHECK(mode != 2, "called a synchronizing ", device_kind().title, " operation");
  if (mode == 1) TORCH_WARN("called a synchronizing ", device_kind().title, " operation");
}

void make_room() {
  if (!engine().crowded()) return;
  wait_for([](driver::Driver& d, const driver::Interrupt& i) { return d.make_room(i); });
}

bool is_idle() {
  if (!engine_if_started()) return true;
  driver::Driver& driver = engine();
  uint64_t marker = 0, version = 0;
  {
    const std::lock_guard lock(g_asked_mutex);
    const uint64_t now = driver.version();
    if (now == g_asked.done_version) return true;
    if (now != g_asked.version) {
      g_asked.marker = driver.marker({});
      g_asked.version = now + 1;  // what the marker itself adds
    }
    marker = g_asked.marker;
    version = g_asked.version;
  }
  bool reached = false;
  wait_for([&](driver::Driver& d, const driver::Interrupt& i) -> Status {
    const auto state = d.reached(marker, false, i);
    if (state.ok()) reached = state->reached;
    return state.status();
  });
  const std::lock_guard lock(g_asked_mutex);
  if (reached) g_asked.done_version = version;
  return reached;
}

void synchronize() {
  driver::Driver* driver = engine_if_started();
  if (!driver) return;
  const uint64_t version = driver->version();
  wait_for([](driver::Driver& d, const driver::Interrupt& i) { return d.synchronize(i); });
  const std::lock_guard lock(g_asked_mutex);
  g_asked.done_version = version + 1;
}

uint64_t device_memory_bytes() {
  const driver::Driver* started = engine_if_started();
  const uint64_t leased = started ? started->memory_bytes() : 0;
  static const uint64_t configured = read_settings().memory_bytes;
  return leased ? leased : configured;
}

}  // namespace moai::front
