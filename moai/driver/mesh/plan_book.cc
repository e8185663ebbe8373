#include "moai/driver/mesh/plan_book.h"

#include <algorithm>

#include "moai/base/log.h"
#include "moai/compiler/cost/live_storages.h"
#include "moai/ops/call_tensors.h"

namespace moai::driver {
namespace {

using compiler::StorageState;
using graph::NodeKind;

constexpr int kZeroMax = 3;

uint64_t hash_of(const std::vector<uint64_t>& key) {
  uint64_t h = key.size();
  for (const uint64_t v : key) {
    h = (h ^ v) * 0xff51afd7ed558ccdull;
    h ^= h >> 32;
  }
  return h;
}

// The window over numbers in order of first use.
graph::Window number(const graph::Window& w, std::vector<StorageId>* storages) {
  graph::Window out = w;
  std::unordered_map<StorageId, StorageId> numbers{{0, 0}};
  *storages = {0};
  for (StorageId& id : out.storages) {
    const auto [found, fresh] = numbers.try_emplace(id, storages->size());
    if (fresh) storages->push_back(id);
    id = found->second;
  }
  return out;
}

void append(const StorageState& state, std::vector<uint64_t>* key) {
  key->push_back(state.bytes);
  key->push_back(uint64_t{state.free} << 32 | static_cast<uint64_t>(state.layout.dtype));
  key->insert(key->end(), state.layout.sizes.begin(), state.layout.sizes.end());
  for (const compiler::AxisPlacement& a : state.layout.placement) {
    key->push_back(static_cast<uint64_t>(a.kind) << 32 | a.place);
  }
}

}  // namespace

PlanBook::Key PlanBook::key_of(const graph::Window& numbered,
                               const std::vector<StorageId>& storages, bool whole) const {
  Key key{whole};
  for (const graph::Node& n : numbered.nodes) {
    key.push_back(static_cast<uint64_t>(n.kind) << 32 | n.signature);
    const auto ids = numbered.storages_of(n);
    key.insert(key.end(), ids.begin(), ids.end());
    if (n.kind != NodeKind::kCall && n.words_count) key.push_back(numbered.words_of(n)[0]);
  }
  for (size_t i = 1; i < storages.size(); ++i) {
    if (const StorageState* state = storages_.state(storages[i])) {
      key.push_back(i);
      append(*state, &key);
    }
  }
  return key;
}

WindowPlan* PlanBook::at(const Key& key, const graph::Window& w) const {
  const auto same_hash = entries_.find(hash_of(key));
  if (same_hash == entries_.end()) return nullptr;
  const auto holds = [&](const auto& word) { return w.words[word.first] == word.second; };
  for (const Entry& e : same_hash->second) {
    if (e.key == key && std::ranges::all_of(e.plan->assumed, holds)) return e.plan.get();
  }
  return nullptr;
}

const WindowPlan* PlanBook::known(const graph::Window& w) const {
  std::vector<StorageId> storages;
  const graph::Window numbered = number(w, &storages);
  return at(key_of(numbered, storages, false), w);
}

PlanBook::Found PlanBook::find(const graph::Window& w, bool whole) {
  Found found;
  const graph::Window numbered = number(w, &found.storages);
  Key key = key_of(numbered, found.storages, whole);
  found.plan = at(key, w);
  if (!found.plan) {
    auto plan = make(numbered, found.storages, options_, whole);
    options_.degrees = plan->degrees;  // what one window needs stays so
    found.plan = keep(std::move(key), std::move(plan));
  }
  found.plan->used = ++clock_;
  if (count_ > kPlansMax) drop_oldest();
  return found;
}

WindowPlan* PlanBook::keep(Key key, std::unique_ptr<WindowPlan> plan) {
  plan->id = ++last_id_;
  std::vector<Entry>& same_hash = entries_[hash_of(key)];
  same_hash.push_back({std::move(key), std::move(plan)});
  ++count_;
  return same_hash.back().plan.get();
}

PlanBook::Draft PlanBook::draft(const graph::Window& w, const Options& options) {
  Draft d;
  const graph::Window numbered = number(w, &d.storages);
  // Of other micro-batches the window says how large they are.
  const bool same = options.degrees.microbatches == options_.degrees.microbatches;
  const int64_t rows = std::exchange(microbatch_rows_, same ? microbatch_rows_ : 0);
  d.plan = make(numbered, d.storages, options, false);
  d.microbatch_rows = std::exchange(microbatch_rows_, rows);
  return d;
}

void PlanBook::begin_anew(const Options& options, const graph::Window& w, Draft draft) {
  for (const auto& [hash, list] : entries_) {
    for (const Entry& e : list) {
      if (e.plan->defined) dropped_.push_back(e.plan->id);
    }
  }
  entries_.clear();
  count_ = 0;
  options_ = options;
  options_.degrees = draft.plan->degrees;
  microbatch_rows_ = draft.microbatch_rows;
  const graph::Window numbered = number(w, &draft.storages);
  keep(key_of(numbered, draft.storages, false), std::move(draft.plan));
}

// Bytes of the fullest rank when its program needs most: of a stage, the first has the largest
// shares.
uint64_t PlanBook::rank_bytes(const compiler::DistributeInput& in,
                              const compiler::Distributed& d) const {
  const compiler::Mesh mesh = compiler::mesh_of(in.degrees);
  uint64_t most = 0;
  for (int rank = 0; rank < mesh.ranks(); rank += mesh.stage_ranks()) {
    most = std::max(most, rank_bytes(in, d, mesh, rank));
  }
  return most;
}

uint64_t PlanBook::rank_bytes(const compiler::DistributeInput& in, const compiler::Distributed& d,
                              const compiler::Mesh& mesh, int rank) const {
  const auto part = [&](const StorageState& state, const compiler::StorageLayout& layout) {
    return layout.whole() ? state.bytes : layout.part_bytes(mesh, rank);
  };
  uint64_t others = 0;
  storages_.each([&](StorageId, const StorageState& state) {
    if (!state.free) others += part(state, state.layout);
  });
  compiler::cost::StorageBytes begin;
  for (const auto& [number, state] : in.storages) {
    const auto before = d.before.find(number);
    const compiler::StorageLayout& layout =
        before == d.before.end() ? state.layout : before->second;
    if (layout.is_on(mesh, rank)) begin[number] = part(state, layout);
    if (!state.free) others -= part(state, state.layout);
  }
  compiler::cost::StorageReplay replay(&signatures_, begin);
  uint64_t most = replay.live().bytes();
  const graph::Window& program = d.ranks[static_cast<size_t>(rank)].window;
  for (const graph::Node& n : program.nodes) {
    replay.run(program, n);
    most = std::max(most, replay.live().bytes());
  }
  return others + most;
}

// What micro-batches do not gain by.
void PlanBook::say_barriers(const compiler::Distributed& d) {
  if (!d.in_time.ok()) {
    log_error(
        "[driver.mesh] micro-batches are not right and are not used, a window runs as it is: " +
        d.in_time.message());
  }
  microbatch_rows_ = std::max(microbatch_rows_, d.microbatches.size);
  std::string ops;
  for (const compiler::TimeBarrier& b : d.barriers) {
    if (said_barriers_.insert(b.op).second) ops += (ops.empty() ? "" : ", ") + b.op;
  }
  if (ops.empty()) return;
  log_info("[driver.mesh] micro-batches wait for each other where " + ops +
           " needs all of a batch; so far each keeps its activations");
}

void PlanBook::say_unshared(const compiler::Distributed& d) {
  if (d.unshared.empty() || !said_unshared_.insert(d.unshared).second) return;
  log_warning("[driver.mesh] " + d.unshared);
}

// Degrees under which a rank needs less; false where there are none.
bool PlanBook::needs_less(const Options& options, const compiler::Distributed& d,
                          compiler::DistributeInput* in) {
  compiler::Degrees& now = in->degrees;
  if (in->whole || !d.in_time.ok()) return false;
  if (options.open.zero && now.replicas() > 1 && now.zero < kZeroMax) {
    ++now.zero;
    return true;
  }
  if (!d.trains) return false;
  if (options.open.recompute && now.recompute == compiler::Recompute::kNone) {
    now.recompute = compiler::Recompute::kFull;
    return true;
  }
  // As long as each rank has rows of every part.
  const bool divides = now.microbatches == 1 || d.microbatches.size >= 2 * now.dp;
  if (!options.open.microbatches || !divides) return false;
  now.microbatches *= 2;
  in->microbatch_rows = microbatch_rows_ = 0;
  return true;
}

compiler::Distributed PlanBook::distribute(compiler::DistributeInput in, const Options& options,
                                           WindowPlan* plan) {
  for (;;) {
    compiler::Distributed d = compiler::distribute(in, &signatures_);
    say_barriers(d);
    say_unshared(d);
    if (!d.verified.ok()) {
      log_error(
          "[driver.mesh] a plan is not right and is not used, every rank runs the window whole: " +
          d.verified.message());
      plan->why_whole = d.verified.message();
      in.whole = true;
      d = compiler::distribute(in, &signatures_);
    }
    if (!d.why_whole.empty()) plan->why_whole = d.why_whole;
    plan->degrees = in.degrees;
    plan->rank_bytes = rank_bytes(in, d);
    const bool fits = options.rank_bytes == 0 || plan->rank_bytes <= options.rank_bytes;
    if (fits || !needs_less(options, d, &in)) return d;
  }
}

std::unique_ptr<WindowPlan> PlanBook::make(const graph::Window& numbered,
                                           const std::vector<StorageId>& storages,
                                           const Options& options, bool whole) {
  auto plan = std::make_unique<WindowPlan>();
  compiler::DistributeInput in{.window = &numbered,
                               .degrees = options.degrees,
                               .first_temporary = storages.size(),
                               .whole = whole,
                               .microbatch_rows = microbatch_rows_,
                               .overlaps = overlaps_};
  for (size_t i = 1; i < storages.size(); ++i) {
    if (const StorageState* state = storages_.state(storages[i])) in.storages[i] = *state;
  }
  const compiler::Distributed d = distribute(std::move(in), options, plan.get());
  plan->verified = d.verified;
  plan->in_time = d.in_time;
  plan->trains = d.trains;
  for (const compiler::RankWindow& r : d.ranks) plan->ranks.push_back(make_rank_program(r));
  plan->before.assign(d.before.begin(), d.before.end());
  plan->after.assign(d.after.begin(), d.after.end());
  plan->assumed = d.assumed;
  plan->first_temporary = storages.size();
  plan->temporaries_end = d.next_temporary;
  for (const graph::Node& n : numbered.nodes) {
    const auto ids = numbered.storages_of(n);
    if (n.kind == NodeKind::kFree) plan->released.push_back(ids[0]);
    if (n.kind == NodeKind::kAlloc) plan->made.emplace_back(ids[0], numbered.words_of(n)[0]);
    if (n.kind != NodeKind::kCall) continue;
    const ops::CallSignature s = signatures_.at(n.signature).signature();
    size_t at = ops::arity(s).operands;
    for (const ops::Result* r : ops::fresh_results(s)) {
      const tensor::Geometry& g = r->geometry;
      plan->made.emplace_back(
          ids[at++], static_cast<uint64_t>(tensor::element_count(g)) * tensor::dtype_size(g.dtype));
    }
  }
  return plan;
}

void PlanBook::drop_oldest() {
  std::pair<uint64_t, size_t> oldest;
  uint64_t used = clock_;
  for (const auto& [hash, list] : entries_) {
    for (size_t i = 0; i < list.size(); ++i) {
      if (list[i].plan->used < used) {
        used = list[i].plan->used;
        oldest = {hash, i};
      }
    }
  }
  std::vector<Entry>& list = entries_[oldest.first];
  if (list[oldest.second].plan->defined) dropped_.push_back(list[oldest.second].plan->id);
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(oldest.second));
  if (list.empty()) entries_.erase(oldest.first);
  --count_;
}

}  // namespace moai::driver
