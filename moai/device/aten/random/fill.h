// Writes drawn elements into a tensor of any strides, in parallel.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>
#include <optional>

#include "moai/device/aten/random/elements.h"
#include "moai/device/aten/random/lanes.h"

namespace moai::device {

// Where an element of a strided tensor lies, walked in row-major order of the logical indices.
class StridedCursor {
 public:
  StridedCursor(const at::Tensor& tensor, int64_t index);
  int64_t offset() const { return offset_; }  // in elements from the tensor's first
  void advance();

 private:
  at::IntArrayRef sizes_, strides_;
  c10::SmallVector<int64_t, 8> index_;
  int64_t offset_ = 0;
};

// `tensor` itself where the CPU can write it, else a dense CPU tensor of its geometry whose content
// is to be copied back. Throws torch's text if elements of `tensor` share memory.
at::Tensor writable_on_cpu(const at::Tensor& tensor);

namespace internal {
// Elements of less work than this stay on one thread.
inline constexpr int64_t kGrain = 16 * lanes::kMax;
}  // namespace internal

// Calls `make(range, out)` for ranges that cover `tensor`; it fills `out[0, range.count)`.
template <typename T, typename Make>
void fill(const at::Tensor& tensor, PhiloxStream stream, const Make& make) {
  const at::Tensor target = writable_on_cpu(tensor);
  std::optional<Elements> halves;  // of complex numbers, that come as reals
  if (stream.elements && target.numel() == 2 * stream.elements->count()) {
    stream.elements = &halves.emplace(stream.elements->halves());
  }
  T* const data = target.mutable_data_ptr<T>();
  const bool dense = target.is_contiguous();
  at::parallel_for(0, target.numel(), internal::kGrain, [&](int64_t begin, int64_t end) {
    T buffer[lanes::kMax];
    for (int64_t first = begin; first < end; first += lanes::kMax) {
      const lanes::Range range{stream, first, std::min(lanes::kMax, end - first)};
      if (dense) {
        make(range, data + first);
        continue;
      }
      make(range, buffer);
      StridedCursor cursor(target, first);
      for (int64_t i = 0; i < range.count; ++i, cursor.advance()) {
        data[cursor.offset()] = buffer[i];
      }
    }
  });
  if (!target.is_same(tensor)) tensor.copy_(target);
}

// The type in which values of T are drawn: float for the narrow ones.
template <typename T>
using Wide = std::conditional_t<std::is_same_v<T, double>, double, float>;

// Draws in Wide<T> and narrows. `transform(bits, range, out)` fills `out` from drawn bits.
template <typename T, typename Transform>
void fill_real(const at::Tensor& tensor, PhiloxStream stream, const Transform& transform) {
  fill<T>(tensor, stream, [&](const lanes::Range& range, T* out) {
    lanes::Bits bits;
    lanes::draw(range, bits);
    if constexpr (std::is_same_v<T, Wide<T>>) {
      transform(bits, range, out);
    } else {
      Wide<T> wide[lanes::kMax];
      transform(bits, range, wide);
      for (int64_t i = 0; i < range.count; ++i) out[i] = static_cast<T>(wide[i]);
    }
  });
}

}  // namespace moai::device
