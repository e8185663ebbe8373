// The random numbers of one element, for samplers that do not know beforehand how many they need.
#pragma once

#include <cmath>
#include <cstdint>

#include "moai/device/aten/random/elementary.h"
#include "moai/device/aten/random/elements.h"
#include "moai/device/aten/random/philox.h"

namespace moai::device {

class ElementDraws {
 public:
  ElementDraws(PhiloxStream stream, int64_t element)
      : stream_(stream),
        element_(stream.elements ? stream.elements->at(static_cast<uint64_t>(element))
                                 : static_cast<uint64_t>(element)) {}

  // In (0, 1), in steps of 2^-52.
  double unit() {
    if (second_) {
      second_ = false;
      return unit_of(block_.second());
    }
    block_ = philox(stream_, element_, static_cast<uint8_t>(blocks_++));
    second_ = true;
    return unit_of(block_.first());
  }

  // Of mean 0 and variance 1.
  double normal() {
    const double radius = std::sqrt(-2 * elementary::log<double>(unit()));
    return radius * elementary::turn<double>(unit()).cosine;
  }

  // An element has 256 blocks; a sampler stops here. A rejection sampler that accepts more than
  // every second proposal never comes to it.
  bool exhausted() const { return blocks_ > 250; }

 private:
  static double unit_of(uint64_t bits) { return (static_cast<double>(bits >> 12) + 0.5) * 0x1p-52; }

  PhiloxStream stream_;
  uint64_t element_;
  int blocks_ = 0;
  bool second_ = false;
  PhiloxBlock block_{};
};

}  // namespace moai::device
