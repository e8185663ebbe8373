// Rehearsal: a Driver that records a script and computes nothing.
//
// No lease is asked for and no Worker exists. Reads give zeros and say so once for each line; where
// a shape depends on values nothing is found (empty_answer.h), else the call is refused. After as
// many optimizer steps as wanted the recording is complete: what comes after is dropped.
//
// Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "moai/driver/driver.h"
#include "moai/graph/recording.h"

namespace moai::driver {

class Rehearsal final : public Driver {
 public:
  // Of the options: the path, which is written when the steps have ended, or at shutdown; the
  // steps, at least 1; the text of lines.
  explicit Rehearsal(DriverOptions options) : options_(std::move(options)) {}

  // Whether all steps were seen.
  bool complete() const;

  graph::SignatureTable& signatures() override { return signatures_; }
  StorageId next_storage(uint64_t count) override;

  bool crowded() const override { return false; }
  Status make_room(const Interrupt&) override { return ok_status(); }
  void alloc(StorageId id, uint64_t size_bytes) override;
  void resize(StorageId id, uint64_t size_bytes) override;
  void free(StorageId id) override;
  Status append(SignatureId signature, std::span<const StorageId> storages,
                std::span<const uint64_t> words, LineId line) override;
  Status upload(StorageId id, uint64_t storage_bytes, uint64_t offset, std::string_view bytes,
                bool makes) override;
  void step_end() override;
  void compile_windows() override {}
  uint64_t marker(MarkerActions) override;

  void waits_at(LineId line) override;
  Status read(std::span<const ReadInto> ranges, const Interrupt&) override;
  uint64_t start_read(const ReadInto&) override { return 1; }
  Status finish_read(uint64_t, const ReadInto& range, const Interrupt& interrupt) override {
    return read({&range, 1}, interrupt);
  }
  void drop_read(uint64_t) override {}
  Result<std::vector<dispatch::Value>> ask(SignatureId signature,
                                           std::span<const StorageId> operands,
                                           std::span<const uint64_t> words, StorageId first_result,
                                           uint32_t results_max, LineId line,
                                           const Interrupt&) override;
  Status synchronize(const Interrupt&) override { return ok_status(); }
  Result<MarkerState> reached(uint64_t, bool, const Interrupt&) override;
  DeviceError last_error() const override { return {}; }

  uint64_t version() const override;
  Status ended() const override { return ok_status(); }
  bool connected() const override { return false; }
  uint64_t memory_bytes() const override { return 0; }
  dispatch::Memory worker_memory() const override { return {}; }
  Statistics statistics() const override;
  std::string describe_windows() const override;

  // What went wrong with the file, if anything.
  Status shutdown(bool failed, const Interrupt&) override;
  void abandon() override {}

 private:
  graph::RecordedWindow* current();
  void note_line(LineId line);
  void tell(LineId line, const std::string& what);
  Status write();

  const DriverOptions options_;
  graph::SignatureTable signatures_;
  mutable std::mutex mutex_;
  // All below guarded by mutex_.
  graph::Recording recording_{.windows = std::vector<graph::RecordedWindow>(1)};
  StorageId next_storage_ = 1;
  uint64_t ended_steps_ = 0, version_ = 0;
  LineId waiting_ = 0;
  std::set<LineId> told_;
  bool written_ = false;
  Status outcome_;
};

}  // namespace moai::driver
