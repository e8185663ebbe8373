#include "moai/compiler/lower/lower_rank.h"

#include <algorithm>
#include <set>

#include "moai/compiler/lower/buffers.h"
#include "moai/compiler/lower/emitter.h"
#include "moai/compiler/lower/local_call.h"
#include "moai/compiler/lower/stage_lowering.h"
#include "moai/compiler/lower/start_exchanges.h"
#include "moai/compiler/sharding/skipped_region.h"
#include "moai/compiler/sharding/strategies.h"
#include "moai/ops/call_build.h"
#include "moai/ops/list_call.h"

namespace moai::compiler {
namespace {

using graph::StorageId;
using tensor::Geometry;

class Lower {
 public:
  Lower(const Lowering& in, int rank, StorageId first_temporary, graph::SignatureTable* signatures)
      : in_(in),
        graph_(*in.graph),
        program_(*in.program),
        rank_(rank),
        calls_(in, rank),
        buffers_(in, first_temporary),
        next_temporary_(buffers_.next_temporary()),
        out_(signatures) {}

  Emitter::Emitted run() {
    grow();
    for (const RegisterId r : program_.inputs) provide(r);
    allocate_untouched();
    for (const StorageId id : buffers_.released_first()) out_.free(id);
    for (uint32_t i = 0; i < program_.steps.size(); ++i) {
      if (const auto* c = std::get_if<CallStep>(&program_.steps[i])) {
        out_.begin(graph_.nodes[c->node].source);
        if (borders_region(graph_, c->node)) settle_made();
        call(*c);
        made_.insert(c->made.begin(), c->made.end());
      } else {
        const MoveStep& m = std::get<MoveStep>(program_.steps[i]);
        if (m.reader != kNone) out_.begin(graph_.nodes[m.reader].source);
        const bool overwrites = m.kind == MoveKind::kAllReduce && awaited_.contains(m.from);
        if (waiting_.contains(m.from) || overwrites) finish_parts();
        move(m);
        if (m.to != kNone) made_.insert(m.to);
      }
      release(i);
    }
    settle_made();
    release(static_cast<uint32_t>(program_.steps.size()));
    return out_.take();
  }

 private:
  const Register& reg(RegisterId r) const { return program_.registers[r]; }
  SegmentId segment(RegisterId r) const { return graph_.values[reg(r).value].segment; }
  LocalLayout layout(RegisterId r) const { return calls_.layout(r); }
  tensor::DType dtype(RegisterId r) const { return calls_.dtype(r); }
  int64_t begin(RegisterId r) const { return buffers_.of(r).begin; }
  StorageId storage(RegisterId r) const { return buffers_.of(r).storage; }

  // Allocates the storage of a register where the window did, as large as the rank's part.
  void provide(RegisterId r) {
    const StorageId id = storage(r);
    const uint64_t bytes = buffers_.allocated_bytes(id);
    const bool whole = std::ranges::none_of(reg(r).placement, &AxisPlacement::split);
    if (bytes != 0) allocate(id, whole ? bytes : part_bytes(r));
  }
  // Once.
  void allocate(StorageId id, uint64_t bytes) {
    if (provided_.insert(id).second) out_.alloc(id, bytes);
  }
  uint64_t part_bytes(RegisterId r) const { return calls_.part_bytes(r); }

  // Storages that were there before and grow, which moves nothing in them.
  void grow() {
    for (const graph::Node& n : in_.window->nodes) {
      if (n.kind != graph::NodeKind::kResize) continue;
      const StorageId id = in_.window->storages_of(n)[0];
      if (buffers_.allocated_bytes(id) == 0) out_.resize(id, in_.window->words_of(n)[0]);
    }
  }

  // Storages that the window allocates and no call uses.
  void allocate_untouched() {
    std::set<StorageId> used;
    for (const Segment& s : graph_.segments) used.insert(s.storage);
    for (const graph::Node& n : in_.window->nodes) {
      if (n.kind != graph::NodeKind::kAlloc) continue;
      const StorageId id = in_.window->storages_of(n)[0];
      if (!used.contains(id)) out_.alloc(id, buffers_.allocated_bytes(id));
    }
  }

  // ---- calls

  LocalPlace place(RegisterId r) {
    provide(r);
    return {storage(r), begin(r)};
  }

  void call(const CallStep& step) {
    const ValueNode& n = graph_.nodes[step.node];
    // What is written and not read may lie where nothing was before.
    const std::vector<const Use*> made = made_uses(n);
    for (size_t i = n.results.size(); i < made.size(); ++i) {
      const RegisterId r = step.made[i];
      const bool read = made[i]->value != kNone;
      if (r != kNone && !read && buffers_.of(r).temporary) allocate(storage(r), part_bytes(r));
    }
    LocalCall local = calls_.call(step, [this](RegisterId r) { return place(r); });
    if (ops::is_list_call(n.signature)) return part(step, std::move(local));
    finish_parts();
    const auto emit = [&](const LocalCall& c) { out_.call(c, n.line); };
    const auto table = calls_.table_part(step);
    if (!table) return emit(local);
    const auto between = calls_.along_table(step, *table, std::move(local), emit,
                                            [this] { return next_temporary_++; });
    for (const StorageId id : between) out_.free(id);
  }

  // Parts of one call wait for each other, unless one needs what another makes.
  void part(const CallStep& step, LocalCall local) {
    const ValueNode& n = graph_.nodes[step.node];
    for (const RegisterId r : step.operands) {
      if (waiting_.contains(r)) finish_parts();
    }
    if (source_ != n.source) finish_parts();
    source_ = n.source;
    waiting_.insert(step.made.begin(), step.made.end());
    awaited_.insert(step.operands.begin(), step.operands.end());
    out_.part(std::move(local), n.line);
  }
  void finish_parts() {
    waiting_.clear();
    awaited_.clear();
    out_.finish_parts();
  }

  // ---- moves

  void move(const MoveStep& m) {
    switch (m.kind) {
      case MoveKind::kSlice:
        return out_.call(calls_.slice(m, place(m.from), storage(m.to)), 0);
      case MoveKind::kMask:
        return out_.call(calls_.mask(m, place(m.from), storage(m.to)), 0);
      case MoveKind::kAllGather:
        return all_gather(m);
      case MoveKind::kAllReduce:
        return all_reduce(m);
      case MoveKind::kReduceScatter:
        return reduce_scatter(m);
      case MoveKind::kAllToAll:
        return all_to_all(m);
      case MoveKind::kSend:
        return emit(m, "moai::send",
                    {ops::of_tensor(flat(m.from)), ops::of_int(m.peer), ops::of_int(m.axis)},
                    {{.kind = ops::ResultKind::kIgnored}}, {storage(m.from)});
      case MoveKind::kReceive:
        return receive("moai::receive", m);
      case MoveKind::kBroadcast:
        return broadcast(m);
      case MoveKind::kTransfer:
      case MoveKind::kKeep:
        break;  // of all stages together, which no rank lowers
    }
  }

  void receive(std::string_view op, const MoveStep& m) {
    emit(m, op, {ops::of_int(m.peer), ops::of_int(m.axis)},
         {ops::of_fresh(dense_geometry(dtype(m.to), {layout(m.to).count()}))}, {storage(m.to)});
  }
  void broadcast(const MoveStep& m) {
    if (m.from == kNone) return receive("moai::broadcast", m);
    emit(m, "moai::broadcast",
         {ops::of_tensor(flat(m.from)), ops::of_int(m.peer), ops::of_int(m.axis)},
         {{.kind = ops::ResultKind::kIgnored}}, {storage(m.from)});
  }

  int ranks(const MoveStep& m) const { return program_.mesh.axes[m.axis].size; }
  int index(const MoveStep& m) const { return program_.mesh.coordinate(rank_, m.axis); }
  std::vector<int64_t> shares(const MoveStep& m, int64_t n) const {
    std::vector<int64_t> sizes;
    for (int i = 0; i < ranks(m); ++i) sizes.push_back(share_size(n, ranks(m), i));
    return sizes;
  }
  int64_t whole_size(RegisterId r, uint32_t place) const {
    return in_.factors->size(in_.factors->of(segment(r))[place]);
  }
  Geometry flat(RegisterId r) const { return calls_.flat(r, begin(r)); }
  Geometry around(RegisterId r, uint32_t place) const { return calls_.around(r, place, begin(r)); }

  void emit(std::string_view op, std::vector<ops::Arg> args, std::vector<ops::Result> results,
            std::vector<StorageId> ids) {
    out_.call(made_up_call(op, std::move(args), std::move(results), std::move(ids)), 0);
  }
  void emit(const MoveStep& m, std::string_view op, std::vector<ops::Arg> args,
            std::vector<ops::Result> results, std::vector<StorageId> ids) {
    out_.move(made_up_call(op, std::move(args), std::move(results), std::move(ids)), m.bundle);
  }

  void all_reduce(const MoveStep& m) {
    emit(m, "moai::all_reduce",
         {{.kind = ops::ArgKind::kList, .items = {ops::of_tensor(flat(m.from), true)}},
          ops::of_text(reduction(m)),
          ops::of_int(m.axis)},
         {{.kind = ops::ResultKind::kIgnored}}, {storage(m.from)});
  }

  void all_gather(const MoveStep& m) {
    const uint32_t place = reg(m.from).placement[m.axis].place;
    const Geometry part = around(m.from, place);
    const int64_t n = whole_size(m.from, place);
    emit(m, "moai::all_gather",
         {ops::of_tensor(part), ops::of_int(1), ops::of_ints(shares(m, n)), ops::of_int(m.axis)},
         {ops::of_fresh(dense_geometry(part.dtype, {part.sizes[0], n, part.sizes[2]}))},
         {storage(m.from), storage(m.to)});
  }

  void reduce_scatter(const MoveStep& m) {
    const uint32_t place = reg(m.to).placement[m.axis].place;
    const Geometry whole = around(m.from, place);
    const int64_t n = whole.sizes[1];
    emit(m, "moai::reduce_scatter",
         {ops::of_tensor(whole), ops::of_int(1), ops::of_ints(shares(m, n)),
          ops::of_text(reduction(m)), ops::of_int(m.axis)},
         {ops::of_fresh(dense_geometry(
             whole.dtype, {whole.sizes[0], share_size(n, ranks(m), index(m)), whole.sizes[2]}))},
         {storage(m.from), storage(m.to)});
  }

  // From shares of one factor to shares of another.
  void all_to_all(const MoveStep& m) {
    const uint32_t from = reg(m.from).placement[m.axis].place;
    const uint32_t to = reg(m.to).placement[m.axis].place;
    const int64_t gathered = whole_size(m.from, from);
    const LocalLayout before = layout(m.from);
    const LocalLayout::Around a = before.around(std::min(from, to));
    const LocalLayout::Around b = before.around(std::max(from, to));
    Geometry g = dense_geometry(dtype(m.from),
                                {a.outer, a.here, b.outer / (a.outer * a.here), b.here, b.inner},
                                begin(m.from));
    const int64_t from_dim = from < to ? 1 : 3, to_dim = 4 - from_dim;
    const int64_t scattered = g.sizes[static_cast<size_t>(to_dim)];
    std::vector<int64_t> sizes = g.sizes;
    sizes[static_cast<size_t>(from_dim)] = gathered;
    sizes[static_cast<size_t>(to_dim)] = share_size(scattered, ranks(m), index(m));
    emit(m, "moai::all_to_all",
         {ops::of_tensor(g), ops::of_int(from_dim), ops::of_ints(shares(m, gathered)),
          ops::of_int(to_dim), ops::of_ints(shares(m, scattered)), ops::of_int(m.axis)},
         {ops::of_fresh(dense_geometry(g.dtype, sizes))}, {storage(m.from), storage(m.to)});
  }

  std::string_view reduction(const MoveStep& m) const {
    return tensor::reduction_name(reg(m.from).placement[m.axis].reduction);
  }

  // ---- ends

  void settle_made() {
    finish_parts();
    for (const RegisterId r : program_.outputs) {
      if (made_.contains(r) && settled_.insert(r).second) settle(r);
    }
  }
  // What a storage holds after the window must lie in the storage itself.
  void settle(RegisterId r) {
    const StorageId id = graph_.segments[segment(r)].storage;
    if (storage(r) == id) return;
    const bool whole = std::ranges::none_of(reg(r).placement, &AxisPlacement::split);
    const Geometry now = flat(r);
    const uint64_t bytes = buffers_.allocated_bytes(id);
    if (bytes == 0 && !buffers_.has_own(id) && !in_.existing.contains(segment(r))) {
      emit("aten::clone", {ops::of_tensor(now), {.kind = ops::ArgKind::kNone}},
           {ops::of_fresh(dense_geometry(now.dtype, now.sizes))}, {storage(r), id});
      return;
    }
    if (bytes != 0) allocate(id, whole ? bytes : part_bytes(r));
    Geometry home = now;
    home.offset = whole ? graph_.segments[segment(r)].begin : 0;
    emit("aten::copy_",
         {ops::of_tensor(home, true),
          ops::of_tensor(now),
          {.kind = ops::ArgKind::kBool, .ints = {0}}},
         {{.kind = ops::ResultKind::kIgnored}}, {id, storage(r)});
  }

  void release(uint32_t step) {
    for (const StorageId id : buffers_.released_after(step)) out_.free(id);
  }

  const Lowering& in_;
  const ValueGraph& graph_;
  const SpmdProgram& program_;
  const int rank_;
  const LocalCalls calls_;
  Buffers buffers_;
  StorageId next_temporary_;
  Emitter out_;
  uint32_t source_ = kNone;       // of the parts that wait
  std::set<RegisterId> waiting_;  // made by parts of a call over lists that did not run yet
  std::set<RegisterId> awaited_;  // read by them
  std::set<StorageId> provided_;
  std::set<RegisterId> made_, settled_;  // so far
};

}  // namespace

graph::Window lower_rank(const Lowering& in, int rank, StorageId first_temporary,
                         graph::SignatureTable* signatures, std::vector<uint32_t>* sources) {
  const Mesh& mesh = in.program->mesh;
  if (mesh.stages() > 1) {
    const StageLowering stage(in, static_cast<uint32_t>(mesh.stage(rank)));
    return lower_rank(stage.lowering(), rank % mesh.stage_ranks(), first_temporary, signatures,
                      sources);
  }
  Emitter::Emitted emitted = Lower(in, rank, first_temporary, signatures).run();
  if (in.program->overlaps) {
    emitted.window = start_exchanges(emitted.window, signatures, &emitted.sources);
  }
  if (sources) *sources = std::move(emitted.sources);
  return std::move(emitted.window);
}

}  // namespace moai::compiler
