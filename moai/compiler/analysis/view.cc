#include "moai/compiler/analysis/view.h"

#include <algorithm>
#include <span>

namespace moai::compiler {
namespace {

// Dimensions that show a block, widest step first.
std::vector<size_t> by_stride(const tensor::Geometry& g) {
  std::vector<size_t> order;
  for (size_t d = 0; d < g.sizes.size(); ++d) {
    if (g.sizes[d] > 1 && g.strides[d] != 0) order.push_back(d);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return g.strides[a] > g.strides[b]; });
  return order;
}

void select(std::vector<Selected>* selected, Block block, int64_t* offset) {
  if (block.radix() == 1) return;
  const int64_t index = *offset % block.high / block.low;
  selected->push_back({block, index});
  *offset -= index * block.low;
}

// The dimension's part of [stride, high), with what lies above it selected. False where the steps
// run out of the block.
bool show(View* view, size_t d, int64_t size, Block block, int64_t* offset) {
  const int64_t digit = *offset % block.high / block.low;
  ViewDim& dim = view->dims[d];
  if (block.radix() % size == 0 && digit % size == 0) {
    const Block shown{block.low, block.low * size};
    select(&view->selected, {shown.high, block.high}, offset);
    dim = {ViewDim::Kind::kWhole, shown, 0, size};
    return true;
  }
  if (digit + size > block.radix()) return false;
  *offset -= digit * block.low;
  dim = {ViewDim::Kind::kSlice, block, digit, size};
  return true;
}

// Dimensions, widest step first, as slices of one block. False where they
// leave it or show an element twice.
bool show_slices(View* view, const tensor::Geometry& g, std::span<const size_t> dims, Block block,
                 int64_t* offset) {
  const int64_t digit = *offset % block.high / block.low;
  int64_t reach = digit, inner = 0;
  for (size_t i = dims.size(); i-- > 0;) {
    const int64_t size = g.sizes[dims[i]], step = g.strides[dims[i]] / block.low;
    if (g.strides[dims[i]] % block.low != 0 || step <= inner) return false;
    inner += (size - 1) * step;
    reach += (size - 1) * step;
  }
  if (reach >= block.radix()) return false;
  for (const size_t d : dims) {
    view->dims[d] = {ViewDim::Kind::kSlice, block, 0, g.sizes[d], g.strides[d] / block.low};
  }
  view->dims[dims[0]].start = digit;
  *offset -= digit * block.low;
  return true;
}

// The next dimensions that only together, or in steps, are a part of a block; 0 where none are.
size_t show_together(View* view, const tensor::Geometry& g, std::span<const size_t> order,
                     int64_t* above, int64_t* offset) {
  for (size_t n = 1; n <= order.size(); ++n) {
    std::vector<int64_t> lows{g.strides[order[n - 1]]};
    lows.push_back(n < order.size() ? g.strides[order[n]] * g.sizes[order[n]] : 1);
    for (const int64_t low : lows) {
      if (low < 1 || *above % low != 0) continue;
      if (!show_slices(view, g, order.first(n), {low, *above}, offset)) continue;
      *above = low;
      return n;
    }
  }
  return 0;
}

}  // namespace

std::optional<View> view_of(int64_t count, const tensor::Geometry& g, int64_t offset) {
  View view;
  view.dims.resize(g.sizes.size());
  int64_t above = count;  // where the digits not yet explained roll over
  const std::vector<size_t> order = by_stride(g);
  for (size_t i = 0; i < order.size();) {
    const size_t d = order[i];
    const int64_t stride = g.strides[d];
    if (stride < 1) return std::nullopt;
    if (above % stride == 0 && above / stride >= g.sizes[d] &&
        show(&view, d, g.sizes[d], {stride, above}, &offset)) {
      above = stride;
      ++i;
      continue;
    }
    const size_t shown = show_together(&view, g, std::span(order).subspan(i), &above, &offset);
    if (shown == 0) return std::nullopt;
    i += shown;
  }
  select(&view.selected, {1, above}, &offset);
  if (offset != 0) return std::nullopt;
  for (size_t d = 0; d < g.sizes.size(); ++d) {
    if (g.sizes[d] > 1 && g.strides[d] == 0) {
      view.dims[d] = {ViewDim::Kind::kBroadcast, {}, 0, g.sizes[d]};
    }
  }
  return view;
}

bool is_whole(const View& view, int64_t count) {
  int64_t shown = 1;
  for (const ViewDim& d : view.dims) {
    if (d.kind == ViewDim::Kind::kBroadcast || d.kind == ViewDim::Kind::kSlice) return false;
    if (d.kind == ViewDim::Kind::kWhole) shown *= d.block.radix();
  }
  return shown == count;
}

}  // namespace moai::compiler
