#include "moai/comm/collective/frame.h"

#include "moai/base/bytes.h"

namespace moai::comm {
namespace {

constexpr uint8_t kCodeMax = 16;
constexpr uint64_t kGreetingMagic = 0x3130304c4f43414d;  // "MACOL001"

}  // namespace

std::string encode(const FrameHeader& header) {
  std::string bytes;
  bytes.reserve(40 + header.operation.size());
  Writer writer(&bytes);
  writer.u8(static_cast<uint8_t>(header.kind));
  writer.word(header.group);
  writer.varint(header.frames_taken);
  writer.varint(header.bytes_taken);
  if (header.kind == FrameKind::kPart) writer.bytes(header.operation);
  if (header.kind == FrameKind::kPart || header.kind == FrameKind::kMail) {
    writer.varint(header.number);
  }
  if (header.kind == FrameKind::kAbort) writer.u8(static_cast<uint8_t>(header.code));
  return bytes;
}

std::optional<DecodedFrame> decode_frame(std::string_view bytes) {
  Reader reader(bytes);
  FrameHeader header;
  const uint8_t kind = reader.u8();
  if (kind < 1 || kind > 4) return std::nullopt;
  header.kind = static_cast<FrameKind>(kind);
  header.group = reader.word();
  header.frames_taken = reader.varint();
  header.bytes_taken = reader.varint();
  if (header.kind == FrameKind::kPart) header.operation = reader.bytes();
  if (header.kind == FrameKind::kPart || header.kind == FrameKind::kMail) {
    header.number = reader.varint();
  }
  if (header.kind == FrameKind::kAbort) {
    const uint8_t code = reader.u8();
    if (code < 1 || code > kCodeMax) return std::nullopt;
    header.code = static_cast<Code>(code);
  }
  if (!reader.ok()) return std::nullopt;
  return DecodedFrame{std::move(header), bytes.size() - reader.remaining()};
}

std::string encode(const Greeting& greeting) {
  std::string bytes;
  Writer writer(&bytes);
  writer.word(kGreetingMagic);
  writer.bytes(greeting.secret);
  writer.varint(greeting.rank);
  return bytes;
}

std::optional<Greeting> decode_greeting(std::string_view bytes) {
  Reader reader(bytes);
  if (reader.word() != kGreetingMagic) return std::nullopt;
  Greeting greeting;
  greeting.secret = reader.bytes();
  greeting.rank = reader.varint();
  if (!reader.done()) return std::nullopt;
  return greeting;
}

}  // namespace moai::comm
