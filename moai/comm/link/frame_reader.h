// FrameReader: cuts a byte stream into frames of 8 bytes little-endian length and content.
//
// Many small frames come out of one read; a large one is read straight into its string, whose
// memory is touched as bytes come, so that a hostile length costs little. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "moai/base/status.h"

namespace moai::comm {

inline constexpr size_t kFrameHeaderBytes = 8;

struct FrameReaderSizes {
  size_t buffer = 128 * 1024;  // at least kFrameHeaderBytes + large
  size_t large = 32 * 1024;    // frames over it are read in place
  size_t grow = 256 * 1024;    // stays in cache between clearing and reading
};

class FrameReader {
 public:
  explicit FrameReader(FrameReaderSizes sizes = {}) : sizes_(sizes), buffer_(sizes.buffer) {}
  // Where to put the next bytes; never empty. Only when whole() is false.
  std::span<char> room();
  void filled(size_t bytes);
  // True when next() has something to say: a frame, or an error.
  bool whole();
  // The next whole frame, nothing when bytes are missing. DATA_LOSS: a length over kFrameBytesMax.
  Result<std::optional<std::string>> next();

 private:
  uint64_t header() const;
  void begin_large(size_t size);

  FrameReaderSizes sizes_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // bytes [begin_, end_) of buffer_ are not cut yet
  size_t end_ = 0;
  bool large_ = false;  // frame_ is being filled
  std::string frame_;
  size_t frame_size_ = 0;
  size_t frame_filled_ = 0;
};

}  // namespace moai::comm
