#include "moai/compiler/lower/storage_layout.h"

#include <algorithm>

namespace moai::compiler {
namespace {

Block block_at(const std::vector<int64_t>& sizes, uint32_t place) {
  Block b;
  for (size_t p = sizes.size(); p-- > place + 1;) b.low *= sizes[p];
  b.high = b.low * sizes[place];
  return b;
}

}  // namespace

bool StorageLayout::whole() const {
  return std::ranges::all_of(placement, &AxisPlacement::replicated);
}

bool StorageLayout::is_on(const Mesh& mesh, int rank) const {
  return placement.empty() || !placement[0].at() ||
         static_cast<int>(placement[0].place) == mesh.stage(rank);
}

uint64_t StorageLayout::part_bytes(const Mesh& mesh, int rank) const {
  if (!is_on(mesh, rank)) return 0;
  return static_cast<uint64_t>(part(mesh, rank).count()) * tensor::dtype_size(dtype);
}

std::vector<Cut> cuts_of(const StorageLayout& layout, SegmentId s) {
  std::vector<Cut> cuts;
  for (const AxisPlacement& a : layout.placement) {
    if (!a.split()) continue;
    const Block b = block_at(layout.sizes, a.place);
    cuts.push_back({s, b.low});
    cuts.push_back({s, b.high});
  }
  return cuts;
}

std::optional<Placement> placement_of(const StorageLayout& layout, const Factors& factors,
                                      SegmentId s, const Mesh& mesh) {
  Placement p(mesh.axes.size());
  for (size_t a = 0; a < layout.placement.size(); ++a) {
    if (layout.placement[a].at()) p[a] = layout.placement[a];
    if (!layout.placement[a].split()) continue;
    const Block b = block_at(layout.sizes, layout.placement[a].place);
    const uint32_t place = factors.outermost(s, b);
    if (place == kNone) return std::nullopt;
    // Of a digit that the window splits, shares are the same only where the outer part is even.
    const int64_t outer = factors.size(factors.of(s)[place]);
    if (outer != b.radix() && outer % mesh.axes[a].size != 0) return std::nullopt;
    p[a] = split_at(place);
  }
  return p;
}

StorageLayout layout_of(const Placement& p, const ValueGraph& g, const Factors& factors,
                        SegmentId s) {
  if (std::ranges::all_of(p, &AxisPlacement::replicated)) return {};
  StorageLayout layout{.dtype = g.segments[s].dtype, .placement = p};
  for (const FactorId f : factors.of(s)) layout.sizes.push_back(factors.size(f));
  return layout;
}

}  // namespace moai::compiler
