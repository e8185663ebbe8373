// PlaceCoder: numbers that mostly grow by one, as small ones.
//
// A place (slot or storage id) one past the largest so far has code 0; an older one has twice its
// distance below that; a jump upwards is an odd code. Arithmetic is modulo 2^64, so that every code
// has a place and every place a code. Both sides start anew with each list.
#pragma once

#include <algorithm>
#include <cstdint>

namespace moai::program {

class PlaceCoder {
 public:
  uint64_t code(uint64_t place) {
    const auto below = static_cast<int64_t>(next_ - place);
    advance(place);
    return static_cast<uint64_t>(below) << 1 ^ static_cast<uint64_t>(below >> 63);
  }
  uint64_t place(uint64_t code) {
    const uint64_t below = code >> 1 ^ (~(code & 1) + 1);
    const uint64_t place = next_ - below;
    advance(place);
    return place;
  }

 private:
  void advance(uint64_t place) {
    if (place >= next_) next_ = place + 1;
  }

  uint64_t next_ = 0;  // one past the largest place so far
};

}  // namespace moai::program
