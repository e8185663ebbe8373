// Engine: the Driver that ships. A recorder under one mutex, a courier thread that sends, and a
// stream to the Workers from which whoever waits receives.
//
// Locks, in the order in which they may be taken together: sending_ or losing_, then mutex_.
// Answers and the Connector have locks of their own, under which nothing of the engine is called.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "moai/driver/driver.h"
#include "moai/driver/insight/flush_ledger.h"
#include "moai/driver/insight/reporter.h"
#include "moai/driver/lease/connector.h"
#include "moai/driver/record/recorder.h"
#include "moai/driver/stream/answers.h"
#include "moai/driver/stream/stream.h"

namespace moai::driver {

class Engine final : public Driver {
 public:
  Engine(DriverOptions options, const MakeConnector& make_connector);
  ~Engine() override;

  graph::SignatureTable& signatures() override { return signatures_; }
  StorageId next_storage(uint64_t count) override { return next_storage_.fetch_add(count); }

  bool crowded() const override { return crowded_.load(std::memory_order_relaxed); }
  Status make_room(const Interrupt& interrupt) override;
  void alloc(StorageId id, uint64_t size_bytes) override;
  void resize(StorageId id, uint64_t size_bytes) override;
  void free(StorageId id) override;
  Status append(SignatureId signature, std::span<const StorageId> storages,
                std::span<const uint64_t> words, LineId line) override;
  Status upload(StorageId id, uint64_t storage_bytes, uint64_t offset, std::string_view bytes,
                bool makes) override;
  void step_end() override;
  void compile_windows() override { compiles_ = true; }
  uint64_t marker(MarkerActions actions) override;

  void waits_at(LineId line) override;
  uint64_t start_read(const ReadInto& range) override;
  Status finish_read(uint64_t request, const ReadInto& range, const Interrupt& interrupt) override;
  void drop_read(uint64_t request) override { answers_.abandon(request); }
  Status read(std::span<const ReadInto> ranges, const Interrupt& interrupt) override;
  Result<std::vector<dispatch::Value>> ask(SignatureId signature,
                                           std::span<const StorageId> operands,
                                           std::span<const uint64_t> words, StorageId first_result,
                                           uint32_t results_max, LineId line,
                                           const Interrupt& interrupt) override;
  Status synchronize(const Interrupt& interrupt) override;
  Result<MarkerState> reached(uint64_t marker, bool wait, const Interrupt& interrupt) override;
  DeviceError last_error() const override;

  uint64_t version() const override { return version_.load(std::memory_order_relaxed); }
  Status ended() const override;
  bool connected() const override { return stream_.load() != nullptr; }
  uint64_t memory_bytes() const override { return memory_bytes_.load(); }
  dispatch::Memory worker_memory() const override { return answers_.memory(); }
  Statistics statistics() const override;
  std::string describe_windows() const override;

  Status shutdown(bool failed, const Interrupt& interrupt) override;
  const FlushLedger& ledger() const { return ledger_; }
  std::vector<dispatch::WindowState> windows() const { return answers_.windows(); }
  void abandon() override;

 private:
  // ---- courier
  void run_courier();
  bool wait_for_work(Reason* why);
  Status connect();
  Result<std::unique_ptr<Stream>> open_mesh(std::vector<ConnectedWorker> workers,
                                            const Interrupt& interrupt);
  bool stopping() const;
  std::chrono::microseconds quiet() const;

  // ---- recording, under mutex_
  // Wakes the courier when it goes out of scope, which must be after the lock: a thread that is
  // woken under it runs into it, and the script is preempted twice.
  struct Wake {
    std::condition_variable* courier = nullptr;
    ~Wake() {
      if (courier) courier->notify_one();
    }
  };
  void recorded(Wake* wake);
  void flush_soon(Reason why, Wake* wake);
  void note_line(LineId line);

  // ---- sending and waiting
  Status send_some(Reason why, const Interrupt& interrupt);
  Status send_all(Reason why, const Interrupt& interrupt);
  bool collect(const Reason* why);
  Status send_next(const Interrupt& interrupt);
  Status wait_until(Reason why, const std::function<bool()>& done, const Interrupt& interrupt);
  Status reach(Reason why, uint64_t marker, const Interrupt& interrupt);
  Status lost(const Status& how);
  bool note_failed(const Status& status);
  void fail(const Status& status);
  Status raise(const dispatch::Fault& fault);
  Status after_wait(const Status& status);
  Status receive_read(RequestId request, std::span<const ReadInto> ranges,
                      const Interrupt& interrupt);

  DriverOptions options_;
  graph::SignatureTable signatures_;
  std::atomic<StorageId> next_storage_{1};
  Answers answers_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;   // the courier
  std::condition_variable roomy_;  // who waits in make_room
  Recorder recorder_;              // guarded by mutex_
  static constexpr size_t kLinesKept = 1 << 18;
  std::vector<LineId> lines_;          // guarded by mutex_: by sequence, the newest ones
  uint64_t activity_ = 0;              // guarded by mutex_: grows with everything recorded
  size_t ramp_ = 0;                    // guarded by mutex_: nodes at which to send; grows when busy
  bool flush_ = false;                 // guarded by mutex_
  Reason flush_why_ = Reason::kQuiet;  // guarded by mutex_
  bool idle_ = false;                  // guarded by mutex_: the courier sleeps until woken
  bool stop_ = false;                  // guarded by mutex_
  Status failed_;                      // guarded by mutex_
  DeviceError last_error_;             // guarded by mutex_
  std::atomic<uint64_t> version_{0};   // written under mutex_
  std::atomic<bool> crowded_{false};
  std::atomic<bool> has_failed_{false};

  std::mutex sending_;
  struct StepEnd {};
  std::deque<std::variant<dispatch::Message, StepEnd>> outbox_;  // guarded by sending_
  bool asked_to_compile_ = false;                                // guarded by sending_
  std::atomic<bool> compiles_{false};
  std::atomic<bool> awaited_{false};  // somebody waits for what the courier has to send
  std::atomic<Stream*> stream_{nullptr};
  std::unique_ptr<Stream> owned_stream_;  // set once, by the courier
  std::mutex losing_;                     // who finds out why the link was lost
  std::atomic<uint64_t> memory_bytes_{0}, flushes_{0}, round_trips_{0};

  FlushLedger ledger_;
  Reporter reporter_;

  std::unique_ptr<Connector> connector_;
  std::thread courier_;  // last: it uses the others
};

}  // namespace moai::driver
