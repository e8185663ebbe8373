// Stream: executes calls and memory operations in order, over the storages of one front.
//
// A call that fails poisons what it writes and makes. A call that reads something poisoned is
// skipped and poisons what it writes and makes in turn; a storage stays poisoned until it is
// overwritten entirely. The first failure of the stream, or after settle(), goes to the front as a
// Fault; the others show in what they poisoned.
//
// Between `moai::skip_if(t)` and `moai::skip_end()` no call runs when t, one f32, is not zero: what
// they write stays, what they make holds nothing. A gradient scaler's step is such a region.
//
// One thread. A Status that is returned means that the front broke the protocol.
#pragma once

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "moai/base/status.h"
#include "moai/device/device.h"
#include "moai/graph/signature_table.h"
#include "moai/worker/exec/replies.h"
#include "moai/worker/memory/storage_table.h"

namespace moai::worker {

using graph::SignatureId;

class Stream {
 public:
  // Calls prepared, of which those stay that were used since the last that many.
  static constexpr uint64_t kPreparedKept = 1 << 13;

  // Both outlive the stream.
  Stream(device::Device* device, Replies* replies) : device_(device), replies_(*replies) {}

  // From here on calls are those of `device`, which has the memory of the one before. Forgets what
  // was prepared.
  void run_on(device::Device* device);

  graph::SignatureTable& signatures() { return signatures_; }
  StorageTable& storages() { return storages_; }

  Status alloc(StorageId id, uint64_t size_bytes);
  Status resize(StorageId id, uint64_t size_bytes);
  Status free(StorageId id);
  Status upload(StorageId id, uint64_t storage_bytes, uint64_t offset, std::string_view bytes);
  // `places`: operands, then fresh results. Counts are verified by the caller. `first_dies`: the
  // storage of the first operand is freed before anything else comes, so that its memory may serve
  // the result.
  Status call(SignatureId signature, std::span<const StorageId> places,
              std::span<const uint64_t> words, uint64_t sequence, bool first_dies = false);
  // A call whose results nobody reads before they are freed: they exist, without memory.
  Status leave_out(SignatureId signature, std::span<const StorageId> places, uint64_t sequence);

  // The results of a call whose shapes only the device knows, or the cause why there are none.
  struct Answer {
    std::vector<device::DynamicValue> values;
    CausePtr failure;
  };
  Result<Answer> ask(SignatureId signature, std::span<const StorageId> operands,
                     std::span<const uint64_t> words, uint64_t sequence);

  // Nothing that is held can be trusted: all of it is as if the call before had failed.
  void poison_all(const Status& why);
  // The front waits for this point: the next failure is a first one again.
  void settle() { fault_sent_ = false; }
  // Of the last call executed or skipped.
  uint64_t sequence() const { return sequence_; }
  // Calls up to this one were executed elsewhere.
  void pass_to(uint64_t sequence) { sequence_ = sequence; }
  // Inside a region that is skipped.
  bool skips() const { return skipped_ != nullptr; }

 private:
  enum class Border { kNone, kSkipIf, kSkipEnd };
  struct Prepared {
    uint64_t used = 0;  // how many were made when it was used last
    Border border = Border::kNone;
    std::unique_ptr<device::Call> call;  // null: `refusal`
    Status refusal;
    // The same in the memory of the first operand, once that was wanted; null: there is no such.
    bool in_place_known = false, repeats_operand = false;
    std::unique_ptr<device::Call> in_place;
    std::vector<uint64_t> overwritten;  // per operand, overwritten_bytes
    std::vector<uint64_t> fresh_bytes;  // per fresh result
  };
  // Valid until the next one is prepared.
  Prepared& prepare(SignatureId signature);
  Prepared make_prepared(const ops::CallSignature& signature);
  void drop_idle();
  Status gather(const Prepared& prepared, std::span<const StorageId> ids);
  Status pass_border(Border border, SignatureId signature, uint64_t sequence);
  Status make_fresh(const Prepared& prepared, std::span<const StorageId> ids,
                    const CausePtr& cause);
  bool overwrites(const Prepared& prepared, size_t operand) const;
  Status provide(const Prepared& prepared);
  bool can_reuse(SignatureId signature, Prepared* prepared);
  Status run_in_place(const Prepared& prepared, std::span<const uint64_t> words);
  void poison_written(SignatureId signature, const CausePtr& cause);
  void heal(const Prepared& prepared);
  void grow_written(SignatureId signature);
  CausePtr fail(const Status& status, uint64_t sequence, const std::string& op);

  device::Device* device_;
  Replies& replies_;
  graph::SignatureTable signatures_;
  StorageTable storages_;
  // By signature; null before the first use and after a long time without one.
  std::vector<std::unique_ptr<Prepared>> prepared_;
  std::deque<SignatureId> kept_;  // of prepared_, to be looked at in this order
  uint64_t made_ = 0;
  uint64_t sequence_ = 0;
  bool fault_sent_ = false;
  CausePtr skipped_;  // inside a region that is skipped: what its results are poisoned with
  // Of the call at hand; members, so that a call allocates nothing.
  std::vector<Storage*> operands_;
  std::vector<device::Buffer*> buffers_;
  std::vector<device::BufferPtr> fresh_;
  CausePtr poison_;
};

}  // namespace moai::worker
