#include "moai/compiler/analysis/view.h"

#include <algorithm>

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

}  // namespace

std::optional<View> view_of(int64_t count, const tensor::Geometry& g, int64_t offset) {
  View view;
  view.dims.resize(g.sizes.size());
  int64_t above = count;  // where the digits not yet explained roll over
  for (const size_t d : by_stride(g)) {
    const int64_t stride = g.strides[d];
    if (stride < 1 || above % stride != 0 || above / stride < g.sizes[d]) return std::nullopt;
    if (!show(&view, d, g.sizes[d], {stride, above}, &offset)) return std::nullopt;
    above = stride;
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
