#include "moai/driver/engine.h"

#include <algorithm>
#include <limits>

#include "moai/base/profile.h"
#include "moai/driver/lease/lease_connector.h"
#include "moai/driver/rehearsal/rehearsal.h"

namespace moai::driver {
namespace {

constexpr size_t kNodesMax = 1 << 17;            // recorded and not sent: then recording pauses
constexpr size_t kBytesMax = size_t{256} << 20;  // likewise, of uploads
constexpr size_t kRampFirst = 8;
constexpr uint64_t kNeverReached = std::numeric_limits<uint64_t>::max();

RecorderOptions recorder_options(const DriverOptions& o) {
  RecorderOptions options;
  options.templates = o.templates;
  return options;
}

}  // namespace

std::unique_ptr<Driver> Driver::create(DriverOptions options) {
  if (!options.rehearsal_path.empty()) return std::make_unique<Rehearsal>(std::move(options));
  const MakeConnector make_connector = [options](Ended ended) {
    return std::make_unique<LeaseConnector>(options, std::move(ended));
  };
  return std::make_unique<Engine>(options, make_connector);
}

Engine::Engine(DriverOptions options, const MakeConnector& make_connector)
    : options_(std::move(options)),
      recorder_(recorder_options(options_)),
      lines_(kLinesKept),
      ramp_(std::min(kRampFirst, options_.flush_nodes)),
      compiles_(options_.compiles),
      reporter_(options_.state_dir, options_.command, options_.line_text),
      connector_(make_connector([this](const Status& status) { fail(status); })),
      courier_([this] { run_courier(); }) {}

Engine::~Engine() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    wake_.notify_all();
  }
  if (Stream* stream = stream_.load()) stream->close();
  answers_.fail(unavailable("[driver.engine] the driver ends"));
  courier_.join();
}

// ---- recording

void Engine::note_line(LineId line) { lines_[recorder_.sequence() % kLinesKept] = line; }

void Engine::flush_soon(Reason why, Wake* wake) {
  if (!flush_) flush_why_ = why;
  flush_ = true;
  // While the Worker has work, a courier that looks again by itself is left alone: to wake it takes
  // the script's processor where both share one.
  const Stream* stream = stream_.load();
  const bool awaited = why >= Reason::kRead;
  if (awaited) awaited_ = true;
  if (awaited || idle_ || !stream || !stream->busy()) wake->courier = &wake_;
}

// After each thing recorded: sends when there is enough of it, else lets the courier know.
void Engine::recorded(Wake* wake) {
  ++activity_;
  version_.store(activity_, std::memory_order_relaxed);
  const size_t nodes = recorder_.pending_nodes(), bytes = recorder_.pending_bytes();
  if (nodes >= ramp_ || bytes >= options_.flush_bytes) {
    if (!flush_) flush_soon(nodes >= ramp_ ? Reason::kCalls : Reason::kBytes, wake);
    if (nodes >= kNodesMax || bytes >= kBytesMax) crowded_ = true;
  } else if (idle_) {
    idle_ = false;
    wake->courier = &wake_;
  }
}

void Engine::alloc(StorageId id, uint64_t size_bytes) {
  Wake wake;
  const std::lock_guard lock(mutex_);
  if (has_failed_) return;
  recorder_.alloc(id, size_bytes);
  recorded(&wake);
}

void Engine::resize(StorageId id, uint64_t size_bytes) {
  Wake wake;
  const std::lock_guard lock(mutex_);
  if (has_failed_) return;
  recorder_.resize(id, size_bytes);
  recorded(&wake);
}

void Engine::free(StorageId id) {
  Wake wake;
  const std::lock_guard lock(mutex_);
  if (has_failed_) return;
  recorder_.free(id);
  if (idle_ || recorder_.pending_nodes() >= ramp_) recorded(&wake);  // forgets more than it must
}

Status Engine::append(SignatureId signature, std::span<const StorageId> storages,
                      std::span<const uint64_t> words, LineId line) {
  const Span span(SpanKind::kEncode, "append");
  Wake wake;
  const std::lock_guard lock(mutex_);
  if (has_failed_.load(std::memory_order_relaxed)) return failed_;
  recorder_.call(signature, storages, words);
  note_line(line);
  recorded(&wake);
  return ok_status();
}

Status Engine::upload(StorageId id, uint64_t storage_bytes, uint64_t offset, std::string_view bytes,
                      bool makes) {
  std::string copy(bytes);
  Wake wake;
  const std::lock_guard lock(mutex_);
  if (has_failed_) return failed_;
  recorder_.upload(id, storage_bytes, offset, std::move(copy), makes);
  recorded(&wake);
  return ok_status();
}

void Engine::step_end() {
  Wake wake;
  const std::lock_guard lock(mutex_);
  if (has_failed_) return;
  recorder_.step_end();
  if (recorder_.pending()) flush_soon(Reason::kStepEnd, &wake);
}

uint64_t Engine::marker(MarkerActions actions) {
  Wake wake;
  const std::lock_guard lock(mutex_);
  if (has_failed_) return kNeverReached;
  const uint64_t request = recorder_.marker(actions.resets_peak, actions.trims_memory);
  recorded(&wake);
  return request;
}

Status Engine::make_room(const Interrupt& interrupt) {
  const Waited waited(&ledger_, Reason::kRoom);
  std::unique_lock lock(mutex_);
  while (crowded_ && failed_.ok()) {
    roomy_.wait_for(lock, std::chrono::milliseconds(100));
    if (!interrupt || !crowded_) continue;
    lock.unlock();
    MOAI_RETURN_IF_ERROR(interrupt());
    lock.lock();
  }
  return failed_;
}

// ---- what happened

Status Engine::ended() const {
  const std::lock_guard lock(mutex_);
  return failed_;
}

// From now on every call fails so; false when one failed before.
bool Engine::note_failed(const Status& status) {
  {
    const std::lock_guard lock(mutex_);
    if (!failed_.ok()) return false;
    failed_ = status;
    has_failed_ = true;
    crowded_ = false;
    roomy_.notify_all();
  }
  answers_.fail(status);
  return true;
}

void Engine::fail(const Status& status) {
  if (!note_failed(status)) return;
  if (Stream* stream = stream_.load()) stream->close();
}

// The link broke: the platform mostly knows why.
Status Engine::lost(const Status& how) {
  const std::lock_guard finding(losing_);
  if (!has_failed_) fail(connector_->lost(stream_.load() ? stream_.load()->lost_rank() : 0, how));
  return ended();
}

Status Engine::raise(const dispatch::Fault& fault) {
  const std::lock_guard lock(mutex_);
  last_error_ = {Status(fault.code, fault.text), fault.op, 0};
  const uint64_t newest = recorder_.sequence();
  if (fault.sequence != 0 && fault.sequence <= newest && newest - fault.sequence < kLinesKept) {
    last_error_.line = lines_[fault.sequence % kLinesKept];
  }
  return last_error_.status;
}

DeviceError Engine::last_error() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

Statistics Engine::statistics() const {
  Statistics s;
  {
    const std::lock_guard lock(mutex_);
    const Recorder::Counters& c = recorder_.counters();
    s.calls = c.calls;
    s.template_calls = c.template_calls;
    s.windows = c.windows;
    s.templates = c.templates;
    s.diverged = c.diverged;
    s.pushed_reads = c.pushed_reads;
    s.pushed_hits = c.pushed_hits;
  }
  s.flushes = flushes_;
  s.round_trips = round_trips_;
  s.worker_busy_ns = answers_.busy_ns();
  if (const Stream* stream = stream_.load()) {
    const comm::Link::Counters c = stream->counters();
    s.bytes_sent = c.bytes_sent;
    s.bytes_received = c.bytes_received;
  }
  return s;
}

std::string Engine::describe_windows() const {
  const std::lock_guard lock(mutex_);
  return recorder_.describe(signatures_);
}

void Engine::abandon() {
  if (Stream* stream = stream_.load()) stream->close_copy();
  connector_->close_copy();
}

}  // namespace moai::driver
