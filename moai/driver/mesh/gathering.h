// Gathering: what the ranks answer becomes the one answer that the script waits for.
//
// A request of the script is one request at each rank that it concerns; when all have answered, the
// answer goes to the engine's Answers. Of several ranks' errors the cause comes first: a rank that
// fails ends its groups, and the others then say only that.
//
// Thread-safe: asked by who sends, looked at by who receives.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "moai/driver/mesh/rank_queue.h"
#include "moai/driver/mesh/step_clock.h"

namespace moai::driver {

class Gathering {
 public:
  // All outlive it.
  Gathering(Ranks* ranks, Answers* answers, StepClock* clock)
      : ranks_(*ranks), answers_(*answers), clock_(*clock) {}

  // Bytes of one rank's answer to a Read that belong into a range of the script's.
  struct Copy {
    size_t rank = 0, rank_range = 0, range = 0;
    uint64_t from = 0, to = 0, size = 0;
  };
  struct Request {
    dispatch::RequestId request = 0;
    uint64_t sequence = 0;                       // of the script, so far
    std::vector<dispatch::RequestId> at_rank{};  // 0: that rank is not asked
    std::vector<uint64_t> range_bytes{};         // of a Read: of the script's ranges
    std::vector<Copy> copies{};                  // likewise
    enum class Kind : uint8_t {
      kRead,
      kAsk,
      kMarker,
      kStepBegin,  // from here on markers of ours; `request` is none
      kStepEnd,
      kPlanEnd,    // what ranks were filled to until here counts for the script alone
      kPlanBegin,  // resets it
    } kind = Kind::kMarker;
    bool resets_peak = false;  // of the script's marker
  };
  // Before any rank can answer. What a Read wants of each rank: its number of ranges.
  void expect(Request request, const std::vector<size_t>& rank_ranges);

  // Passes on what is complete; false when nothing was.
  bool fold();
  // A rank whose answer is missing.
  std::optional<size_t> awaited() const;
  // Storages that answers made, and their bytes, since the last call.
  std::vector<std::pair<StorageId, uint64_t>> take_made();
  // Of the fullest rank, since the plan began or the script reset it.
  uint64_t peak_bytes() const;
  // True once after ranks told of an error: their groups may be broken.
  bool take_failed();

 private:
  static bool is_marker(const Request& r) { return r.kind >= Request::Kind::kMarker; }
  bool complete(const Request& r) const;
  bool has_answered(const Request& r, size_t rank) const;
  void finish_marker(const Request& r);
  void fold_faults(uint64_t up_to);
  void finish(const Request& r);
  void note_made(const dispatch::Value& v);
  void finish_read(const Request& r, std::vector<Reply> replies);
  dispatch::Memory memory() const;

  Ranks& ranks_;
  Answers& answers_;
  StepClock& clock_;
  mutable std::mutex mutex_;
  std::deque<Request> requests_;  // guarded by mutex_, oldest first
  uint64_t told_up_to_ = 0;  // guarded by mutex_: an error was told behind this call of the script
  std::optional<dispatch::Fault>
      fault_;  // guarded by mutex_: told when the next request is complete
  std::vector<std::pair<StorageId, uint64_t>> made_;  // guarded by mutex_
  bool failed_ = false;                               // guarded by mutex_
  std::vector<uint64_t> earlier_peaks_;               // guarded by mutex_: by rank, of plans before
};

}  // namespace moai::driver
