#include "moai/comm/link/frame_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "moai/comm/link/link.h"

namespace moai::comm {

std::span<char> FrameReader::room() {
  if (large_) {
    if (frame_filled_ == frame_.size()) {
      frame_.resize(std::min(frame_size_, frame_.size() + sizes_.grow));
    }
    return {frame_.data() + frame_filled_, frame_.size() - frame_filled_};
  }
  if (begin_ == end_) begin_ = end_ = 0;
  if (buffer_.size() - begin_ < kFrameHeaderBytes + sizes_.large) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return {buffer_.data() + end_, buffer_.size() - end_};
}

void FrameReader::filled(size_t bytes) { (large_ ? frame_filled_ : end_) += bytes; }

uint64_t FrameReader::header() const {
  uint64_t size = 0;
  std::memcpy(&size, buffer_.data() + begin_, sizeof size);
  return size;
}

bool FrameReader::whole() {
  if (large_) return frame_filled_ == frame_size_;
  if (end_ - begin_ < kFrameHeaderBytes) return false;
  const uint64_t size = header();
  if (size > kFrameBytesMax || size <= end_ - begin_ - kFrameHeaderBytes) return true;
  if (size > sizes_.large) begin_large(size);
  return false;
}

Result<std::optional<std::string>> FrameReader::next() {
  if (!whole()) return std::optional<std::string>();
  if (large_) {
    large_ = false;
    return std::optional<std::string>(std::move(frame_));
  }
  const uint64_t size = header();
  if (size > kFrameBytesMax) {
    return data_loss("[comm.link] not a frame header: a length of " + std::to_string(size) +
                     " bytes; does the peer speak this protocol?");
  }
  const char* content = buffer_.data() + begin_ + kFrameHeaderBytes;
  begin_ += kFrameHeaderBytes + size;
  return std::optional<std::string>(std::in_place, content, size);
}

void FrameReader::begin_large(size_t size) {
  large_ = true;
  frame_size_ = size;
  frame_filled_ = end_ - begin_ - kFrameHeaderBytes;
  frame_.clear();
  frame_.reserve(size);  // addresses only: pages come with the bytes
  frame_.resize(std::min(size, std::max(sizes_.grow, frame_filled_)));
  std::memcpy(frame_.data(), buffer_.data() + begin_ + kFrameHeaderBytes, frame_filled_);
  begin_ = end_ = 0;
}

}  // namespace moai::comm
