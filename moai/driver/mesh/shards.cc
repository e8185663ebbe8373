#include "moai/driver/mesh/shards.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "moai/ops/call_build.h"

namespace moai::driver {
namespace {

using compiler::LocalLayout;
using compiler::Placement;
using compiler::StorageLayout;
using compiler::StorageState;
using tensor::Geometry;

Geometry dense(tensor::DType dtype, std::vector<int64_t> sizes) {
  Geometry g{.dtype = dtype, .sizes = std::move(sizes)};
  g.strides = tensor::contiguous_strides(g.sizes);
  return g;
}

}  // namespace

// The calls of a rank that move one storage, one after the other.
class Shards::Move {
 public:
  Move(const compiler::Mesh& mesh, size_t rank, StorageLayout from, StorageId id,
       StorageId first_temporary, graph::SignatureTable* signatures)
      : mesh_(mesh),
        rank_(static_cast<int>(rank)),
        now_(std::move(from)),
        id_(id),
        at_(id),
        next_(first_temporary),
        signatures_(*signatures) {}

  void gather(size_t axis) {
    const uint32_t place = now_.placement[axis].place;
    const int64_t n = now_.sizes[place];
    const LocalLayout::Around a = part().around(place);
    std::vector<int64_t> shares;
    const int ranks = mesh_.axes[axis].size;
    for (int i = 0; i < ranks; ++i) shares.push_back(compiler::share_size(n, ranks, i));
    make("moai::all_gather",
         {ops::of_tensor(dense(now_.dtype, {a.outer, a.here, a.inner})), ops::of_int(1),
          ops::of_ints(std::move(shares)), ops::of_int(static_cast<int64_t>(axis))},
         {a.outer, n, a.inner});
    now_.placement[axis] = compiler::replicated();
  }

  void slice(size_t axis, uint32_t place) {
    const LocalLayout::Around a = part().around(place);
    const int ranks = mesh_.axes[axis].size, index = mesh_.coordinate(rank_, axis);
    Geometry g = dense(now_.dtype, {a.outer, a.here, a.inner});
    g.sizes[1] = compiler::share_size(a.here, ranks, index);
    g.offset = compiler::share_begin(a.here, ranks, index) * a.inner;
    std::vector<int64_t> sizes = g.sizes;
    make("aten::clone", {ops::of_tensor(std::move(g)), {.kind = ops::ArgKind::kNone}},
         std::move(sizes));
    now_.placement[axis] = compiler::split_at(place);
  }

  // From the stage that has it to another, or to all.
  void send(uint32_t stage) {
    call("moai::send", {ops::of_tensor(flat()), ops::of_int(stage), ops::of_int(0)},
         {{.kind = ops::ResultKind::kIgnored}}, {at_});
    now_.placement[0] = compiler::at_stage(stage);
  }
  void broadcast() {
    call("moai::broadcast",
         {ops::of_tensor(flat()), ops::of_int(now_.placement[0].place), ops::of_int(0)},
         {{.kind = ops::ResultKind::kIgnored}}, {at_});
    now_.placement[0] = compiler::replicated();
  }
  // The same, where there is nothing of it yet.
  void receive(std::string_view op, uint32_t from_stage, const compiler::AxisPlacement& becomes) {
    at_ = next_++;
    call(op, {ops::of_int(from_stage), ops::of_int(0)}, {ops::of_fresh(flat())}, {at_});
    now_.placement[0] = becomes;
  }

  // `was_here`, `stays`: whether the rank had some of the storage, and has some in the end.
  graph::Window finish(bool was_here, bool stays) {
    if (!was_here && !stays) return {};
    if (was_here && stays && at_ == id_) return std::move(out_);  // where it was
    if (was_here) out_.free(id_);
    if (!stays) {
      if (at_ != id_) out_.free(at_);
      return std::move(out_);
    }
    const Geometry g = flat();
    out_.alloc(id_, now_.part_bytes(mesh_, rank_));
    call("aten::copy_", {ops::of_tensor(g, true), ops::of_tensor(g), ops::of_bool(false)},
         {{.kind = ops::ResultKind::kIgnored}}, {id_, at_});
    out_.free(at_);
    return std::move(out_);
  }

  StorageLayout& now() { return now_; }

 private:
  LocalLayout part() const { return now_.part(mesh_, rank_); }
  Geometry flat() const { return dense(now_.dtype, {part().count()}); }
  void make(std::string_view op, std::vector<ops::Arg> args, std::vector<int64_t> sizes) {
    const StorageId made = next_++;
    call(op, std::move(args), {ops::of_fresh(dense(now_.dtype, std::move(sizes)))}, {at_, made});
    if (at_ != id_) out_.free(at_);
    at_ = made;
  }
  void call(std::string_view op, std::vector<ops::Arg> args, std::vector<ops::Result> results,
            const std::vector<StorageId>& storages) {
    const ops::CallSignature s{.op = std::string(op),
                               .overload = "",
                               .args = std::move(args),
                               .results = std::move(results)};
    out_.call(signatures_.intern(s), storages, {}, 0);
  }

  const compiler::Mesh& mesh_;
  const int rank_;
  StorageLayout now_;
  const StorageId id_;
  StorageId at_, next_;
  graph::SignatureTable& signatures_;
  graph::Window out_;
};

std::vector<Shards::Piece> Shards::pieces(const StorageState& state, size_t rank) const {
  if (!state.layout.is_on(mesh_, static_cast<int>(rank))) return {};
  if (state.layout.whole()) return {{0, 0, std::numeric_limits<uint64_t>::max()}};
  const uint64_t element = tensor::dtype_size(state.layout.dtype);
  std::vector<Piece> found;
  for (const LocalLayout::Piece& p : state.layout.part(mesh_, static_cast<int>(rank)).pieces()) {
    found.push_back({static_cast<uint64_t>(p.whole_begin) * element,
                     static_cast<uint64_t>(p.begin) * element,
                     static_cast<uint64_t>(p.count) * element});
  }
  return found;
}

void Shards::place(StorageId id, const StorageLayout& wanted) {
  Storages::Entry* e = storages_.find(id);
  if (!e) return;
  if (e->state.free) return send_held(id, wanted);
  if (e->state.layout == wanted || (e->state.layout.whole() && wanted.whole())) return;
  const size_t moves = mesh_.axes.size() * 2 + 1;
  const StorageId first = next_storage_.fetch_add(moves);
  for (size_t rank = 0; rank < ranks(); ++rank) move(rank, id, e->state, wanted, first);
  e->state.layout = wanted;
}

void Shards::move(size_t rank, StorageId id, const StorageState& state, const StorageLayout& wanted,
                  StorageId first_temporary) {
  StorageLayout from = state.layout.whole() ? wanted : state.layout;
  if (state.layout.whole()) from.placement = Placement(mesh_.axes.size());
  Move move(mesh_, rank, from, id, first_temporary, &signatures_);
  const auto r = static_cast<int>(rank);
  const bool was_here = state.layout.is_on(mesh_, r), stays = wanted.is_on(mesh_, r);
  for (size_t axis = mesh_.axes.size(); axis-- > 0;) {
    if (was_here && from.placement[axis].split()) move.gather(axis);
    if (!was_here && from.placement[axis].split()) move.now().placement[axis] = {};
  }
  change_stage(r, from, wanted, &move);
  if (stays && !wanted.whole()) {
    move.now().sizes = wanted.sizes;
    move.now().dtype = wanted.dtype;
    for (size_t axis = 0; axis < mesh_.axes.size(); ++axis) {
      if (wanted.placement[axis].split()) move.slice(axis, wanted.placement[axis].place);
    }
  }
  graph::Window w = move.finish(was_here, stays);
  if (!w.empty()) queue_.run(rank, std::move(w));
}

// Where one stage has all of it and others are to.
void Shards::change_stage(int rank, const StorageLayout& from, const StorageLayout& wanted,
                          Move* move) const {
  if (!from.placement[0].at()) return;
  const uint32_t stage = from.placement[0].place;
  const bool has = from.is_on(mesh_, rank);
  if (wanted.placement.empty() || !wanted.placement[0].at()) {
    return has ? move->broadcast()
               : move->receive("moai::broadcast", stage, compiler::replicated());
  }
  if (wanted.placement[0].place == stage) return;
  if (has) move->send(wanted.placement[0].place);
  if (wanted.is_on(mesh_, rank)) move->receive("moai::receive", stage, wanted.placement[0]);
}

void Shards::send_held(StorageId id, const StorageLayout& layout) {
  Storages::Entry* e = storages_.find(id);
  const std::string bytes = storages_.release(id);
  e->state.layout = layout;
  for (size_t rank = 0; rank < ranks(); ++rank) {
    if (!layout.is_on(mesh_, static_cast<int>(rank))) continue;
    if (layout.whole()) {
      queue_.push(rank, dispatch::Upload{id, bytes.size(), 0, bytes});
      continue;
    }
    std::string part(layout.part_bytes(mesh_, static_cast<int>(rank)), '\0');
    for (const Piece& p : pieces(e->state, rank)) {
      part.replace(p.begin, p.size, bytes, p.whole_begin, p.size);
    }
    queue_.push(rank, dispatch::Upload{id, part.size(), 0, std::move(part)});
  }
}

void Shards::write(StorageId id, uint64_t storage_bytes, uint64_t offset, std::string_view bytes) {
  Storages::Entry* e = storages_.find(id);
  const uint64_t element = tensor::dtype_size(e->state.layout.dtype);
  // A part of an element belongs to no rank.
  if (offset % element || bytes.size() % element) place(id, {});
  for (size_t rank = 0; rank < ranks(); ++rank) {
    const uint64_t size = e->state.layout.whole()
                              ? storage_bytes
                              : e->state.layout.part_bytes(mesh_, static_cast<int>(rank));
    for (const Piece& p : pieces(e->state, rank)) {
      const uint64_t begin = std::max(p.whole_begin, offset);
      const uint64_t end = std::min(p.whole_begin + p.size, offset + bytes.size());
      if (begin >= end) continue;
      queue_.push(rank, dispatch::Upload{id, size, p.begin + begin - p.whole_begin,
                                         std::string(bytes.substr(begin - offset, end - begin))});
    }
  }
}

// Whether no rank before has the same part.
bool Shards::is_first_with(const StorageLayout& layout, size_t rank) const {
  if (!layout.is_on(mesh_, static_cast<int>(rank))) return false;
  for (size_t axis = 0; axis < mesh_.axes.size(); ++axis) {
    const bool one_has = axis < layout.placement.size() && !layout.placement[axis].replicated();
    if (!one_has && mesh_.coordinate(static_cast<int>(rank), axis) != 0) return false;
  }
  return true;
}

void Shards::read(const dispatch::ReadRange& range, size_t index,
                  std::vector<dispatch::Read>* reads, std::vector<Gathering::Copy>* copies) {
  Storages::Entry* e = storages_.find(range.storage);
  if (e && e->state.free) place(range.storage, {});
  const StorageState whole{.bytes = range.offset + range.size};
  const StorageState& state = e ? e->state : whole;
  for (size_t rank = 0; rank < ranks(); ++rank) {
    if (!is_first_with(state.layout, rank)) continue;
    std::vector<dispatch::ReadRange>& wanted = (*reads)[rank].ranges;
    std::optional<dispatch::ReadRange> asked;
    const size_t first = copies->size();
    for (const Piece& p : pieces(state, rank)) {
      const uint64_t begin = std::max(p.whole_begin, range.offset);
      const uint64_t end = std::min(p.whole_begin + p.size, range.offset + range.size);
      if (begin >= end) continue;
      const uint64_t at = p.begin + begin - p.whole_begin;
      if (!asked) asked = dispatch::ReadRange{range.storage, at, 0};
      asked->size = at + (end - begin) - asked->offset;
      copies->push_back({.rank = rank,
                         .rank_range = wanted.size(),
                         .range = index,
                         .from = at,
                         .to = begin - range.offset,
                         .size = end - begin});
    }
    if (!asked) continue;
    for (size_t i = first; i < copies->size(); ++i) (*copies)[i].from -= asked->offset;
    wanted.push_back(*asked);
  }
}

}  // namespace moai::driver
