// PlanBook: the programs of windows that were distributed, found again by the window's form.
//
// Two windows have one form when their calls, geometries, allocations and releases are the same
// and the storages they use lie alike; which storages these are, and words that no rule rests on,
// may differ. Plain state; not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "moai/driver/mesh/rank_program.h"
#include "moai/driver/mesh/storages.h"

namespace moai::driver {

// Storages are numbers of the form, from 1 in order of first use; 0 is none.
struct WindowPlan {
  Status verified{};        // not OK: our mistake; it must not run
  bool trains = false;      // gradients change weights in it
  std::string why_whole{};  // where every rank runs all of it
  Status in_time{};         // not OK: our mistake; it runs in no micro-batches
  compiler::Degrees degrees{};
  uint64_t rank_bytes = 0;  // of the fullest rank, with all else that lies
  std::vector<RankProgram> ranks{};
  std::vector<std::pair<StorageId, compiler::StorageLayout>> before{}, after{};
  std::vector<std::pair<StorageId, uint64_t>> made{};  // and the bytes of each, when whole
  std::vector<StorageId> released{};
  std::vector<std::pair<uint32_t, uint64_t>> assumed{};  // words and their values
  StorageId first_temporary = 1, temporaries_end = 1;
  dispatch::TemplateId id = 0;
  uint64_t runs = 0, used = 0;
  bool defined = false;  // as templates, at the Workers
};

class PlanBook {
 public:
  static constexpr size_t kPlansMax = 256;

  // What nobody has pinned.
  struct Open {
    bool zero = true, recompute = true, microbatches = true;
  };
  // The optimizer's sharing grows, then forward calls are made again and the batch runs in more and
  // more parts, as far as they are open, until a window's programs fit into `rank_bytes` of each
  // rank; so it stays. Both pointers outlive it.
  struct Options {
    compiler::Degrees degrees{};
    Open open{};
    uint64_t rank_bytes = 0;  // 0: not known
  };
  // `overlaps`: what ranks exchange goes on beside calls (compiler/lower/start_exchanges.h).
  PlanBook(const Options& options, const Storages* storages, graph::SignatureTable* signatures,
           bool overlaps = false)
      : options_(options), storages_(*storages), signatures_(*signatures), overlaps_(overlaps) {}

  struct Found {
    WindowPlan* plan = nullptr;         // until the next call
    std::vector<StorageId> storages{};  // by number; [0] is 0
  };
  // `whole`: every rank is to run all of it.
  Found find(const graph::Window& w, bool whole = false);
  // Null where it would have to be made.
  const WindowPlan* known(const graph::Window& w) const;
  const compiler::Degrees& degrees() const { return options_.degrees; }

  // Other degrees: a plan under them for a window as storages lie now. Once they lie as that plan
  // wants, the book begins anew with it.
  struct Draft {
    std::unique_ptr<WindowPlan> plan;
    std::vector<StorageId> storages{};  // by number; [0] is 0
    int64_t microbatch_rows = 0;
  };
  Draft draft(const graph::Window& w, const Options& options);
  void begin_anew(const Options& options, const graph::Window& w, Draft draft);

  // Templates that left since the last call.
  std::vector<dispatch::TemplateId> take_dropped() { return std::exchange(dropped_, {}); }
  size_t size() const { return count_; }

 private:
  using Key = std::vector<uint64_t>;
  struct Entry {
    Key key;
    std::unique_ptr<WindowPlan> plan;
  };
  Key key_of(const graph::Window& numbered, const std::vector<StorageId>& storages,
             bool whole) const;
  WindowPlan* at(const Key& key, const graph::Window& w) const;
  WindowPlan* keep(Key key, std::unique_ptr<WindowPlan> plan);
  std::unique_ptr<WindowPlan> make(const graph::Window& numbered,
                                   const std::vector<StorageId>& storages, const Options& options,
                                   bool whole);
  compiler::Distributed distribute(compiler::DistributeInput in, const Options& options,
                                   WindowPlan* plan);
  bool needs_less(const Options& options, const compiler::Distributed& d,
                  compiler::DistributeInput* in);
  uint64_t rank_bytes(const compiler::DistributeInput& in, const compiler::Distributed& d) const;
  uint64_t rank_bytes(const compiler::DistributeInput& in, const compiler::Distributed& d,
                      const compiler::Mesh& mesh, int rank) const;
  void drop_oldest();
  void say_barriers(const compiler::Distributed& d);
  void say_unshared(const compiler::Distributed& d);

  Options options_;
  const Storages& storages_;
  graph::SignatureTable& signatures_;
  const bool overlaps_;
  std::unordered_map<uint64_t, std::vector<Entry>> entries_;  // by the key's hash
  size_t count_ = 0;
  uint64_t clock_ = 0;
  dispatch::TemplateId last_id_ = 0;
  int64_t microbatch_rows_ = 0;          // of the largest batch so far
  std::set<std::string> said_barriers_;  // operators
  std::set<std::string> said_unshared_;
  std::vector<dispatch::TemplateId> dropped_;
};

}  // namespace moai::driver
