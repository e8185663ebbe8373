// GraphRecord: the content of a captured graph, and the Driver that fills it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "moai/driver/driver.h"
#include "moai/front/torch_headers.h"
#include "moai/graph/window.h"

namespace moai::front {

// Where a drawing call has its seed and counter, and what draws them.
struct DrawnWords {
  size_t position = 0;  // of the seed among the words of the call
  at::Generator generator;
};

struct GraphRecord {
  struct Upload {
    size_t before = 0;  // the node that follows
    graph::StorageId storage = 0;
    uint64_t storage_bytes = 0;
    uint64_t offset = 0;
    std::string bytes;
    bool makes = false;
  };
  struct Draw {
    size_t node = 0;
    DrawnWords words;
  };

  graph::Window window;
  std::vector<Upload> uploads;                          // ordered by `before`
  std::vector<Draw> draws;                              // ordered by node
  std::unordered_map<graph::StorageId, uint64_t> made;  // and not ended in it; bytes
  std::unordered_set<graph::StorageId> used;            // of others
  std::vector<graph::StorageId> ended;                  // of `used`, during the capture
};

// Records into a GraphRecord instead of sending. Everything else is the real driver's, but for
// waits, which fail with torch's words. Thread-safe.
class RecordingDriver final : public driver::Driver {
 public:
  // Both outlive it.
  RecordingDriver(driver::Driver* real, GraphRecord* record)
      : real_(*real), record_(*record), first_(real->next_storage()) {}

  driver::Driver& real() { return real_; }
  const GraphRecord& record() const { return record_; }

  graph::SignatureTable& signatures() override { return real_.signatures(); }
  graph::StorageId next_storage(uint64_t count) override { return real_.next_storage(count); }
  bool crowded() const override { return real_.crowded(); }
  Status make_room(const driver::Interrupt& i) override { return real_.make_room(i); }

  void alloc(graph::StorageId id, uint64_t size_bytes) override;
  void resize(graph::StorageId id, uint64_t size_bytes) override;
  void free(graph::StorageId id) override;
  Status append(graph::SignatureId signature, std::span<const graph::StorageId> storages,
                std::span<const uint64_t> words, graph::LineId line) override;
  Status upload(graph::StorageId id, uint64_t storage_bytes, uint64_t offset,
                std::string_view bytes, bool makes) override;
  void step_end() override {}
  void compile_windows() override { real_.compile_windows(); }
  uint64_t marker(driver::MarkerActions) override { return 0; }

  void waits_at(graph::LineId line) override { real_.waits_at(line); }
  Status read(std::span<const ReadInto>, const driver::Interrupt&) override { return refused(); }
  uint64_t start_read(const ReadInto&) override { return 0; }
  Status finish_read(uint64_t request, const ReadInto& range,
                     const driver::Interrupt& interrupt) override {
    return request ? real_.finish_read(request, range, interrupt) : refused();
  }
  void drop_read(uint64_t request) override { real_.drop_read(request); }
  Result<std::vector<dispatch::Value>> ask(graph::SignatureId, std::span<const graph::StorageId>,
                                           std::span<const uint64_t>, graph::StorageId, uint32_t,
                                           graph::LineId, const driver::Interrupt&) override {
    return refused();
  }
  Status synchronize(const driver::Interrupt&) override { return refused(); }
  Result<driver::MarkerState> reached(uint64_t, bool, const driver::Interrupt&) override {
    return refused();
  }

  driver::DeviceError last_error() const override { return real_.last_error(); }
  uint64_t version() const override { return real_.version(); }
  Status ended() const override { return real_.ended(); }
  bool connected() const override { return real_.connected(); }
  uint64_t memory_bytes() const override { return real_.memory_bytes(); }
  dispatch::Memory worker_memory() const override { return real_.worker_memory(); }
  driver::Statistics statistics() const override { return real_.statistics(); }
  std::string describe_windows() const override { return real_.describe_windows(); }
  Status shutdown(bool failed, const driver::Interrupt& i) override {
    return real_.shutdown(failed, i);
  }
  void abandon() override { real_.abandon(); }

 private:
  static Status refused();
  void use(graph::StorageId id);

  driver::Driver& real_;
  std::mutex mutex_;
  GraphRecord& record_;           // guarded by mutex_
  const graph::StorageId first_;  // ids from here on belong to the capture
};

// What the next call that this thread records draws from.
void note_draws(std::vector<DrawnWords> draws);

}  // namespace moai::front
