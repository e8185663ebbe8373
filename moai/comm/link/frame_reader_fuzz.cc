// fuzz-sources: moai/base/bytes.cc moai/base/status.cc
// fuzz-sources: moai/comm/link/frame_reader.cc
// fuzz-covers: moai/comm/link/frame_reader.cc
//
// Arbitrary bytes in arbitrary pieces: the frames must not depend on how the bytes were cut. The
// first byte of an input chooses the pieces, the second one how many frames of 1 KiB follow the
// rest, so that large frames are reached by small inputs.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "moai/comm/link/frame_reader.h"

namespace {

// The frames of `input` fed at most `piece` bytes at a time, until the end or an error.
std::vector<std::string> frames(std::string_view input, size_t piece) {
  std::vector<std::string> out;
  moai::comm::FrameReader reader;
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

constexpr uint8_t kFollowed = 0xfc;  // second bytes from here on: frames follow
constexpr size_t kFramesStep = 100;

std::string following(uint8_t chosen) {
  if (chosen < kFollowed) return {};
  std::string frame(1024, '\0');
  const uint64_t size = frame.size() - sizeof size;
  std::memcpy(frame.data(), &size, sizeof size);
  std::string out;
  for (size_t n = (chosen - kFollowed + 1u) * kFramesStep; n > 0; --n) out += frame;
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string more = following(data[1]);
  std::string input(reinterpret_cast<const char*>(data) + 2, size - 2);
  input += more;
  const size_t piece = (data[0] + 1u) * (more.empty() ? 1 : 100);
  if (frames(input, piece) != frames(input, input.size() + 1)) std::abort();
  return 0;
}
