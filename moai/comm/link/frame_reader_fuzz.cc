// fuzz-sources: moai/base/bytes.cc moai/base/status.cc
// fuzz-sources: moai/comm/link/frame_reader.cc
// fuzz-covers: moai/comm/link/frame_reader.cc
//
// Arbitrary bytes in arbitrary pieces: the frames must not depend on how the bytes were cut. Small
// sizes let small inputs reach large frames. Lengths are cut short, to some that are still large:
// the sanitizer marks every reserved byte, and a GiB of them takes it a tenth of a second.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "moai/comm/link/frame_reader.h"
#include "moai/comm/link/link.h"

namespace {

constexpr uint64_t kLengthMax = 1024;
constexpr moai::comm::FrameReaderSizes kSizes = {.buffer = 256, .large = 64, .grow = 128};

void cut_lengths(std::string* stream) {
  uint64_t size = 0;
  for (size_t at = 0; at + sizeof size <= stream->size(); at += sizeof size + size) {
    std::memcpy(&size, stream->data() + at, sizeof size);
    if (size > moai::comm::kFrameBytesMax) return;
    size %= kLengthMax;
    std::memcpy(stream->data() + at, &size, sizeof size);
  }
}

// The frames of `input` fed at most `piece` bytes at a time, until the end or an error.
std::vector<std::string> frames(std::string_view input, size_t piece) {
  std::vector<std::string> out;
  moai::comm::FrameReader reader(kSizes);
  while (true) {
    auto frame = reader.next();
    if (!frame.ok()) return out;
    if (*frame) {
      out.push_back(**std::move(frame));
      continue;
    }
    if (input.empty()) return out;
    const std::span<char> room = reader.room();
    if (room.empty()) std::abort();
    const size_t n = std::min({piece, room.size(), input.size()});
    std::memcpy(room.data(), input.data(), n);
    reader.filled(n);
    input.remove_prefix(n);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  std::string input(reinterpret_cast<const char*>(data) + 1, size - 1);
  cut_lengths(&input);
  if (frames(input, data[0] + 1u) != frames(input, input.size() + 1)) std::abort();
  return 0;
}
