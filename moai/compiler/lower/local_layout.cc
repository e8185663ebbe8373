#include "moai/compiler/lower/local_layout.h"

namespace moai::compiler {

LocalLayout::LocalLayout(const ValueGraph& g, const Factors& factors, const Mesh& mesh,
                         SegmentId segment, const Placement& placement, int rank) {
  const Segment& s = g.segments[segment];
  if (s.opaque) {
    begin_ = s.begin;
    count_ = s.count;
    return;
  }
  begin_ = s.begin;
  for (const FactorId f : factors.of(segment)) whole_sizes_.push_back(factors.size(f));
  sizes_ = whole_sizes_;
  begins_.assign(sizes_.size(), 0);
  for (size_t a = 0; a < placement.size(); ++a) {
    if (!placement[a].split()) continue;
    int64_t& size = sizes_[placement[a].place];
    const int index = mesh.coordinate(rank, a);
    begins_[placement[a].place] = share_begin(size, mesh.axes[a].size, index);
    size = share_size(size, mesh.axes[a].size, index);
  }
  for (const int64_t size : sizes_) count_ *= size;
}

LocalLayout::Around LocalLayout::around(uint32_t place) const {
  Around around;
  for (uint32_t p = 0; p < place; ++p) around.outer *= sizes_[p];
  around.here = sizes_[place];
  for (uint32_t p = place + 1; p < sizes_.size(); ++p) around.inner *= sizes_[p];
  return around;
}

std::vector<LocalLayout::Piece> LocalLayout::pieces() const {
  // Factors inside the innermost one that is split lie together.
  size_t split = sizes_.size();
  while (split > 0 && sizes_[split - 1] == whole_sizes_[split - 1]) --split;
  int64_t inner = 1;
  for (size_t p = split; p < sizes_.size(); ++p) inner *= sizes_[p];
  if (split == 0) return {{0, 0, count_}};
  const int64_t run = sizes_[split - 1] * inner;
  std::vector<Piece> found;
  for (int64_t begin = 0; begin < count_; begin += run) {
    int64_t rest = begin / run, whole = begins_[split - 1] * inner;
    int64_t step = whole_sizes_[split - 1] * inner;
    for (size_t p = split - 1; p-- > 0;) {
      whole += (rest % sizes_[p] + begins_[p]) * step;
      rest /= sizes_[p];
      step *= whole_sizes_[p];
    }
    found.push_back({whole, begin, run});
  }
  return found;
}

LocalLayout::Run LocalLayout::run(Block b) const {
  Run run;
  int64_t low = 1;
  for (size_t p = sizes_.size(); p-- > 0 && low < b.high;) {
    if (low < b.low) run.stride *= sizes_[p];
    if (low >= b.low) run.size *= sizes_[p];
    low *= whole_sizes_[p];
  }
  return run;
}

tensor::Geometry LocalLayout::geometry(const Use& use, const tensor::Geometry& whole) const {
  tensor::Geometry local = whole;
  if (!use.view) {
    local.offset -= begin_ / static_cast<int64_t>(tensor::dtype_size(whole.dtype));
    return local;
  }
  local.offset = 0;
  for (const Selected& s : use.view->selected) local.offset += s.index * run(s.block).stride;
  for (size_t d = 0; d < local.sizes.size(); ++d) {
    const ViewDim& dim = use.view->dims[d];
    if (dim.kind != ViewDim::Kind::kWhole && dim.kind != ViewDim::Kind::kSlice) continue;
    const Run r = run(dim.block);
    local.strides[d] = r.stride * dim.step;
    if (dim.kind == ViewDim::Kind::kWhole) local.sizes[d] = r.size;
    local.offset += dim.start * r.stride;
  }
  return local;
}

}  // namespace moai::compiler
