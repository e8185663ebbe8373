#include "moai/driver/mesh/storage_move.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "moai/ops/call_build.h"

namespace moai::driver {
namespace {

using compiler::LocalLayout;
using compiler::Placement;
using compiler::StorageLayout;
using graph::StorageId;
using tensor::Geometry;

Geometry dense(tensor::DType dtype, std::vector<int64_t> sizes) {
  Geometry g{.dtype = dtype, .sizes = std::move(sizes)};
  g.strides = tensor::contiguous_strides(g.sizes);
  return g;
}

// The calls of a rank, one after the other.
class Calls {
 public:
  Calls(const StorageMove& move, size_t rank, graph::SignatureTable* signatures)
      : move_(move),
        rank_(static_cast<int>(rank)),
        was_here_(move.from.layout.is_on(*move.from.mesh, rank_)),
        stays_(move.to.layout.is_on(*move.to.mesh, rank_)),
        mesh_(move.from.mesh),
        now_(move.from.layout),
        at_(move.storage),
        next_(move.first_temporary),
        signatures_(*signatures) {
    if (now_.whole()) become(move.from.mesh);
  }

  graph::Window run() {
    for (size_t axis = mesh_->axes.size(); axis-- > 0;) {
      if (!now_.placement[axis].split()) continue;
      if (was_here_) gather(axis);
      now_.placement[axis] = compiler::replicated();
    }
    if (now_.placement[0].at()) change_stage(now_.placement[0].place);
    const StorageLayout& to = move_.to.layout;
    if (stays_ && !to.whole()) {
      become(move_.to.mesh);
      for (size_t axis = 0; axis < mesh_->axes.size(); ++axis) {
        if (to.placement[axis].split()) slice(axis, to.placement[axis].place);
      }
    }
    return finish();
  }

 private:
  // Whole on every rank of a mesh, with the digits that are wanted.
  void become(const compiler::Mesh* mesh) {
    mesh_ = mesh;
    now_ = move_.to.layout;
    now_.placement = Placement(mesh->axes.size());
  }

  void gather(size_t axis) {
    const uint32_t place = now_.placement[axis].place;
    const int64_t n = now_.sizes[place];
    const LocalLayout::Around a = part().around(place);
    std::vector<int64_t> shares;
    const int ranks = mesh_->axes[axis].size;
    for (int i = 0; i < ranks; ++i) shares.push_back(compiler::share_size(n, ranks, i));
    make("moai::all_gather",
         {ops::of_tensor(dense(now_.dtype, {a.outer, a.here, a.inner})), ops::of_int(1),
          ops::of_ints(std::move(shares)), ops::of_int(static_cast<int64_t>(axis))},
         {a.outer, n, a.inner});
  }

  // Where one stage has all of it and others are to: another one of this mesh, else all.
  void change_stage(uint32_t stage) {
    const Placement& to = move_.to.layout.placement;
    const bool to_one = !to.empty() && to[0].at() && same_axes(*move_.from.mesh, *move_.to.mesh);
    if (!to_one) return was_here_ ? broadcast(stage) : receive("moai::broadcast", stage);
    if (to[0].place == stage) return;
    if (was_here_) send(to[0].place);
    if (stays_) receive("moai::receive", stage);
  }
  void send(uint32_t stage) {
    call("moai::send", {ops::of_tensor(flat()), ops::of_int(stage), ops::of_int(0)},
         {{.kind = ops::ResultKind::kIgnored}}, {at_});
  }
  void broadcast(uint32_t stage) {
    call("moai::broadcast", {ops::of_tensor(flat()), ops::of_int(stage), ops::of_int(0)},
         {{.kind = ops::ResultKind::kIgnored}}, {at_});
    now_.placement[0] = compiler::replicated();
  }
  // Where there is nothing of it yet.
  void receive(std::string_view op, uint32_t from_stage) {
    at_ = next_++;
    call(op, {ops::of_int(from_stage), ops::of_int(0)}, {ops::of_fresh(flat())}, {at_});
    now_.placement[0] = compiler::replicated();
  }

  void slice(size_t axis, uint32_t place) {
    const LocalLayout::Around a = part().around(place);
    const int ranks = mesh_->axes[axis].size, index = mesh_->coordinate(rank_, axis);
    Geometry g = dense(now_.dtype, {a.outer, a.here, a.inner});
    g.sizes[1] = compiler::share_size(a.here, ranks, index);
    g.offset = compiler::share_begin(a.here, ranks, index) * a.inner;
    std::vector<int64_t> sizes = g.sizes;
    make("aten::clone", {ops::of_tensor(std::move(g)), {.kind = ops::ArgKind::kNone}},
         std::move(sizes));
    now_.placement[axis] = compiler::split_at(place);
  }

  graph::Window finish() {
    const StorageId id = move_.storage;
    if (!was_here_ && !stays_ && at_ == id) return {};
    if (was_here_ && stays_ && at_ == id) return std::move(out_);  // where it was
    if (was_here_) out_.free(id);
    if (stays_) {
      const Geometry g = flat();
      out_.alloc(id, static_cast<uint64_t>(part().count()) * tensor::dtype_size(now_.dtype));
      call("aten::copy_", {ops::of_tensor(g, true), ops::of_tensor(g), ops::of_bool(false)},
           {{.kind = ops::ResultKind::kIgnored}}, {id, at_});
    }
    if (at_ != id) out_.free(at_);
    return std::move(out_);
  }

  LocalLayout part() const { return now_.part(*mesh_, rank_); }
  Geometry flat() const { return dense(now_.dtype, {part().count()}); }
  void make(std::string_view op, std::vector<ops::Arg> args, std::vector<int64_t> sizes) {
    const StorageId made = next_++;
    call(op, std::move(args), {ops::of_fresh(dense(now_.dtype, std::move(sizes)))}, {at_, made});
    if (at_ != move_.storage) out_.free(at_);
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

  const StorageMove& move_;
  const int rank_;
  const bool was_here_, stays_;  // whether the rank had some of it, and has some in the end
  const compiler::Mesh* mesh_;   // the one that `now_` lies on
  StorageLayout now_;
  StorageId at_, next_;
  graph::SignatureTable& signatures_;
  graph::Window out_;
};

}  // namespace

bool same_axes(const compiler::Mesh& a, const compiler::Mesh& b) {
  return a.stages() == b.stages() &&
         std::ranges::equal(a.axes, b.axes, {}, &compiler::MeshAxis::size,
                            &compiler::MeshAxis::size);
}

graph::Window calls_of(const StorageMove& move, size_t rank, graph::SignatureTable* signatures) {
  return Calls(move, rank, signatures).run();
}

StorageLayout layout_on(const compiler::Mesh& mesh, const StorageLayout& now) {
  StorageLayout layout = now;
  layout.placement = Placement(mesh.axes.size());
  if (mesh.stages() > 1 && !now.placement.empty() && now.placement[0].at()) {
    if (static_cast<int>(now.placement[0].place) >= mesh.stages()) return {};
    layout.placement[0] = now.placement[0];
  }
  std::vector<uint32_t> places;
  for (const compiler::AxisPlacement& a : now.placement) {
    if (a.split()) places.push_back(a.place);
  }
  const auto size = [&](uint32_t place) { return now.sizes[place]; };
  std::ranges::stable_sort(places, std::greater(), size);
  std::vector<size_t> axes(mesh.axes.size() - (mesh.stages() > 1 ? 1 : 0));
  std::iota(axes.begin(), axes.end(), mesh.axes.size() - axes.size());
  std::ranges::stable_sort(axes, std::greater(), [&](size_t a) { return mesh.axes[a].size; });
  for (const size_t axis : axes) {
    const auto fits = std::ranges::find_if(
        places, [&](uint32_t place) { return size(place) >= mesh.axes[axis].size; });
    if (fits == places.end()) continue;
    layout.placement[axis] = compiler::split_at(*fits);
    places.erase(fits);
  }
  return layout.whole() ? StorageLayout{} : layout;
}

}  // namespace moai::driver
