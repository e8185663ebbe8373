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

// The calls of a rank that move one storage, one after the other.
class Move {
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

  graph::Window finish() {
    const Geometry g = dense(now_.dtype, {part().count()});
    out_.free(id_);
    out_.alloc(id_, now_.part_bytes(mesh_, rank_));
    call("aten::copy_", {ops::of_tensor(g, true), ops::of_tensor(g), ops::of_bool(false)},
         {{.kind = ops::ResultKind::kIgnored}}, {id_, at_});
    out_.free(at_);
    return std::move(out_);
  }

  StorageLayout& now() { return now_; }

 private:
  LocalLayout part() const { return now_.part(mesh_, rank_); }
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

}  // namespace

std::vector<Shards::Piece> Shards::pieces(const StorageState& state, size_t rank) const {
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
  const size_t moves = mesh_.axes.size() * 2;
  const StorageId first = next_storage_.fetch_add(moves);
  for (size_t rank = 0; rank < ranks(); ++rank) move(rank, id, e->state, wanted, first);
  e->state.layout = wanted;
}

void Shards::move(size_t rank, StorageId id, const StorageState& state, const StorageLayout& wanted,
                  StorageId first_temporary) {
  StorageLayout from = state.layout.whole() ? wanted : state.layout;
  if (state.layout.whole()) from.placement = Placement(mesh_.axes.size());
  Move move(mesh_, rank, from, id, first_temporary, &signatures_);
  for (size_t axis = mesh_.axes.size(); axis-- > 0;) {
    if (from.placement[axis].split()) move.gather(axis);
  }
  if (!wanted.whole()) {
    move.now().sizes = wanted.sizes;
    move.now().dtype = wanted.dtype;
    for (size_t axis = 0; axis < mesh_.axes.size(); ++axis) {
      if (wanted.placement[axis].split()) move.slice(axis, wanted.placement[axis].place);
    }
  }
  queue_.run(rank, move.finish());
}

void Shards::send_held(StorageId id, const StorageLayout& layout) {
  Storages::Entry* e = storages_.find(id);
  const std::string bytes = storages_.release(id);
  e->state.layout = layout;
  for (size_t rank = 0; rank < ranks(); ++rank) {
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
  for (size_t axis = 0; axis < mesh_.axes.size(); ++axis) {
    const bool split = axis < layout.placement.size() && layout.placement[axis].split();
    if (!split && mesh_.coordinate(static_cast<int>(rank), axis) != 0) return false;
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
