// Driver: the client's engine below a front. Knows neither torch nor gRPC.
//
// A front records calls (append) in program order; the driver groups them into windows, keeps
// templates of repeated ones, streams them to the Worker from a thread of its own, and answers
// reads. The lease is asked for when the first command must leave (holder, moai/session/wire.h);
// until then nothing is started.
//
// Threads: every member may be called from any thread; append calls are ordered by an internal
// mutex. Calls that wait (read, ask, synchronize, reached) take an Interrupt, look at it every 100
// ms (what it says is CANCELLED and ends the wait), and fail when no sign of life came from the
// Worker for 5 s. A device error is raised once, by the next of them. Once the lease is over for
// good everything fails with ended(). After fork the child must call nothing but abandon().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/dispatch/messages.h"
#include "moai/graph/window.h"

namespace moai::driver {

using graph::LineId;
using graph::SignatureId;
using graph::StorageId;
using Interrupt = std::function<Status()>;

struct DriverOptions {
  std::string session_program;                                  // path of moai-session
  std::string manager_address, token, ca_path, flavor, device;  // as session::Start
  std::string client_version;                                   // of this package
  std::string framework, command;
  size_t flush_nodes = 256;
  size_t flush_bytes = 256 * 1024;
  int64_t flush_quiet_us = 200;
  bool templates = true;
  bool compiles = false;  // as compile_windows(), from the start
  bool quiet = false;     // no log lines of the platform
  std::string plan;       // what is decided of it on several devices, as compiler::Pins; or empty
  bool searches_plan = true;     // for what that leaves open
  bool tells_search = false;     // and says so, line by line
  std::string cluster_path;      // a description of the devices, for the search; or empty
  std::optional<bool> overlaps;  // exchanges beside calls; nothing: as the description says
  std::string state_dir;         // of the user, for the job's report; empty: none is written
  std::function<std::string(LineId)> line_text;  // "train.py:12"; may be called from any thread
  // Where the recording of a rehearsal goes, which computes nothing (rehearsal/rehearsal.h), and
  // after how many optimizer steps it is complete; empty: no rehearsal.
  std::string rehearsal_path;
  uint64_t rehearsal_steps = 1;
};

// What a raised device error says beyond its Status.
struct DeviceError {
  Status status;
  std::string op;
  LineId line = 0;
};

struct Statistics {
  uint64_t calls = 0, template_calls = 0;  // recorded; of them sent as part of a template
  uint64_t windows = 0, templates = 0, diverged = 0;
  uint64_t flushes = 0;  // frames with work sent
  uint64_t bytes_sent = 0, bytes_received = 0;
  uint64_t round_trips = 0;                    // times a caller waited for the Worker
  uint64_t pushed_reads = 0, pushed_hits = 0;  // values fetched before they were asked for; used
  uint64_t worker_busy_ns = 0;  // spent executing, until the Worker last reached a marker
};

struct MarkerActions {
  bool resets_peak = false;
  bool trims_memory = false;
};

struct MarkerState {
  bool reached = false;
  uint64_t time_ns = 0;
};

class Driver {
 public:
  static std::unique_ptr<Driver> create(DriverOptions options);
  virtual ~Driver() = default;

  virtual graph::SignatureTable& signatures() = 0;
  virtual StorageId next_storage(uint64_t count = 1) = 0;  // first of `count` unused ids

  // ---- recording; never waits. Whoever records looks at crowded() now and then, and makes room.
  // True when so much waits to be sent that recording should pause.
  virtual bool crowded() const = 0;
  virtual Status make_room(const Interrupt& interrupt) = 0;
  virtual void alloc(StorageId id, uint64_t size_bytes) = 0;
  virtual void resize(StorageId id, uint64_t size_bytes) = 0;
  // Safe in deleters: takes only a leaf lock, sends nothing.
  virtual void free(StorageId id) = 0;
  virtual Status append(SignatureId signature, std::span<const StorageId> storages,
                        std::span<const uint64_t> words, LineId line) = 0;
  // Copies `bytes` before it returns. `makes`: nothing was said about the storage before, and this
  // makes it.
  virtual Status upload(StorageId id, uint64_t storage_bytes, uint64_t offset,
                        std::string_view bytes, bool makes) = 0;
  virtual void step_end() = 0;  // an optimizer step ended: the border of a window
  // From the next thing that is sent on the Worker compiles what repeats (design note 008).
  virtual void compile_windows() = 0;
  // A point in the stream; see reached(). There the Worker may also do what is asked for.
  virtual uint64_t marker(MarkerActions actions = {}) = 0;

  // ---- waiting
  // Where in the script the calling thread's next waits are; only counted.
  virtual void waits_at(LineId line) = 0;
  struct ReadInto {
    StorageId storage = 0;
    uint64_t offset = 0;
    uint64_t size = 0;
    char* out = nullptr;
  };
  virtual Status read(std::span<const ReadInto> ranges, const Interrupt& interrupt) = 0;
  // The same in two halves: the first asks and does not wait; 0 when the driver has ended. Every
  // request that it returned is finished or dropped.
  virtual uint64_t start_read(const ReadInto& range) = 0;
  virtual Status finish_read(uint64_t request, const ReadInto& range,
                             const Interrupt& interrupt) = 0;
  virtual void drop_read(uint64_t request) = 0;
  virtual Result<std::vector<dispatch::Value>> ask(SignatureId signature,
                                                   std::span<const StorageId> operands,
                                                   std::span<const uint64_t> words,
                                                   StorageId first_result, uint32_t results_max,
                                                   LineId line, const Interrupt& interrupt) = 0;
  virtual Status synchronize(const Interrupt& interrupt) = 0;
  // State of a marker; with `wait` returns only when it is reached.
  virtual Result<MarkerState> reached(uint64_t marker, bool wait, const Interrupt& interrupt) = 0;
  // The error that the last failed wait raised, with operator and line.
  virtual DeviceError last_error() const = 0;

  // Grows with everything recorded that may change a storage.
  virtual uint64_t version() const = 0;
  // Why the lease is over for good: ended by an administrator, its Worker lost, refused, shut down.
  // OK while it is not.
  virtual Status ended() const = 0;
  virtual bool connected() const = 0;
  virtual uint64_t memory_bytes() const = 0;  // of the device; 0 before a lease
  // What the Worker's allocator said last; it is told with every answer and with credit.
  virtual dispatch::Memory worker_memory() const = 0;
  virtual Statistics statistics() const = 0;
  virtual std::string describe_windows()
      const = 0;  // text form of the current window and the templates

  // Sends what is left, waits for it, gives the lease back. Returns the pending device error, if
  // any. `failed`: the program ends with an exception, or was interrupted; it does not wait in a
  // queue for a lease any more, and work that never had one is dropped.
  virtual Status shutdown(bool failed, const Interrupt& interrupt) = 0;
  // In a forked child: forget everything without a word to anybody.
  virtual void abandon() = 0;
};

}  // namespace moai::driver
