// Frame: what goes over a Link between two ranks; internal to the linked group.
//
// docs/formats/collective.md specifies the bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "moai/base/status.h"

namespace moai::comm {

enum class FrameKind : uint8_t {
  kPart = 1,   // of a collective call
  kMail = 2,   // of send()
  kAbort = 3,  // the group failed
  kLeave = 4,  // this rank makes no further call
};

struct FrameHeader {
  FrameKind kind = FrameKind::kPart;
  uint64_t group = 0;
  // What the sender had taken from this link when it sent: those frames need no room any more.
  uint64_t frames_taken = 0;
  uint64_t bytes_taken = 0;
  std::string operation{};  // kPart: its encoding
  uint64_t number = 0;      // kPart: counts the parts of a call; kMail: the tag
  Code code = Code::kOk;    // kAbort; its text is the content

  bool operator==(const FrameHeader&) const = default;
};

std::string encode(const FrameHeader& header);

struct DecodedFrame {
  FrameHeader header;
  size_t content_at = 0;  // the rest of the frame is the content
};
// Nothing when the bytes do not start with a header.
std::optional<DecodedFrame> decode_frame(std::string_view bytes);

// The first frame of a link, from the rank that connected.
struct Greeting {
  std::string secret{};
  uint64_t rank = 0;

  bool operator==(const Greeting&) const = default;
};
std::string encode(const Greeting& greeting);
// Nothing when the bytes are no greeting.
std::optional<Greeting> decode_greeting(std::string_view bytes);

}  // namespace moai::comm
