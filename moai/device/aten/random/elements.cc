#include "moai/device/aten/random/elements.h"

#include <algorithm>

namespace moai::device {

Elements::Elements(std::span<const ElementDigit> digits) {
  uint64_t stride = 1;
  for (size_t i = digits.size(); i-- > 0;) {
    const ElementDigit& d = digits[i];
    digits_.push_back({static_cast<uint64_t>(d.size), stride});
    base_ += static_cast<uint64_t>(d.begin) * stride;
    stride *= static_cast<uint64_t>(d.whole);
  }
  // The innermost one counts by one.
  if (digits_.empty()) digits_.push_back({});
}

int64_t Elements::count() const {
  uint64_t count = 1;
  for (const Digit& d : digits_) count *= d.size;
  return static_cast<int64_t>(count);
}

Elements Elements::halves() const {
  Elements out = *this;
  for (Digit& d : out.digits_) d.stride *= 2;
  out.digits_.insert(out.digits_.begin(), {.size = 2, .stride = 1});
  out.base_ *= 2;
  return out;
}

uint64_t Elements::at(uint64_t index) const {
  uint64_t element = base_;
  for (const Digit& d : digits_) {
    element += index % d.size * d.stride;
    index /= d.size;
  }
  return element;
}

void Elements::fill(int64_t begin, int64_t count, uint64_t* out) const {
  const uint64_t row = digits_[0].size;  // of elements that follow each other
  auto index = static_cast<uint64_t>(begin);
  const uint64_t end = index + static_cast<uint64_t>(count);
  while (index < end) {
    const uint64_t run = std::min(row - index % row, end - index), first = at(index);
    for (uint64_t i = 0; i < run; ++i) *out++ = first + i;
    index += run;
  }
}

}  // namespace moai::device
