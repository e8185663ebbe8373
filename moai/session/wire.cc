#include "moai/session/wire.h"

#include "moai/base/bytes.h"

namespace moai::session {
namespace {

enum Kind : uint8_t {
  kStart = 1,
  kAcquire = 2,
  kGiveBack = 3,
  kLinkLost = 4,
  kLine = 16,
  kWaiting = 17,
  kGranted = 18,
  kEnded = 19,
};

constexpr size_t kPrefixBytes = 4;

void put(const Start& m, Writer& w) {
  w.u8(kStart);
  w.varint(m.wire_version);
  w.bytes(m.client_version);
  w.bytes(m.framework);
  w.zigzag(m.pid);
  w.bytes(m.command);
  w.bytes(m.manager_address);
  w.bytes(m.token);
  w.bytes(m.ca_path);
  w.bytes(m.flavor);
  w.bytes(m.device);
  w.bytes(m.resume);
}

void put(const Acquire&, Writer& w) { w.u8(kAcquire); }

void put(const GiveBack&, Writer& w) { w.u8(kGiveBack); }

void put(const LinkLost& m, Writer& w) {
  w.u8(kLinkLost);
  w.bytes(m.address);
  w.bytes(m.text);
}

void put(const Line& m, Writer& w) {
  w.u8(kLine);
  w.u8(m.level);
  w.bytes(m.text);
}

void put(const Waiting& m, Writer& w) {
  w.u8(kWaiting);
  w.bytes(m.text);
}

void put(const Granted& m, Writer& w) {
  w.u8(kGranted);
  w.varint(m.job_id);
  w.varint(m.epoch);
  w.bytes(m.flavor);
  w.bytes(m.device_name);
  w.varint(m.memory_bytes);
  w.bytes(m.ca);
  w.bytes(m.resume);
  w.varint(m.workers.size());
  for (const WorkerAddress& worker : m.workers) {
    w.bytes(worker.address);
    w.bytes(worker.secret);
    w.bytes(worker.node);
    w.varint(worker.device);
    w.bytes(worker.host_id);
  }
}

void put(const Ended& m, Writer& w) {
  w.u8(kEnded);
  w.varint(static_cast<uint64_t>(m.code));
  w.bytes(m.text);
}

std::string text(Reader& r) { return std::string(r.bytes()); }

uint32_t u32(Reader& r) {
  const uint64_t value = r.varint();
  if (value > UINT32_MAX) r.fail();
  return static_cast<uint32_t>(value);
}

Start start(Reader& r) {
  Start m;
  m.wire_version = u32(r);
  m.client_version = text(r);
  m.framework = text(r);
  m.pid = r.zigzag();
  m.command = text(r);
  m.manager_address = text(r);
  m.token = text(r);
  m.ca_path = text(r);
  m.flavor = text(r);
  m.device = text(r);
  m.resume = text(r);
  return m;
}

LinkLost link_lost(Reader& r) {
  LinkLost m;
  m.address = text(r);
  m.text = text(r);
  return m;
}

Line line(Reader& r) {
  Line m;
  m.level = r.u8();
  if (m.level > 4) r.fail();  // LogLevel::kOff
  m.text = text(r);
  return m;
}

Granted granted(Reader& r) {
  Granted m;
  m.job_id = r.varint();
  m.epoch = r.varint();
  m.flavor = text(r);
  m.device_name = text(r);
  m.memory_bytes = r.varint();
  m.ca = text(r);
  m.resume = text(r);
  m.workers.resize(r.count(5));
  for (WorkerAddress& worker : m.workers) {
    worker.address = text(r);
    worker.secret = text(r);
    worker.node = text(r);
    worker.device = u32(r);
    worker.host_id = text(r);
  }
  return m;
}

Ended ended(Reader& r) {
  Ended m;
  const uint64_t code = r.varint();
  if (code > static_cast<uint64_t>(Code::kUnauthenticated)) r.fail();
  m.code = static_cast<Code>(r.ok() ? code : 0);
  m.text = text(r);
  return m;
}

Result<WireMessage> read_message(uint8_t kind, Reader& r) {
  switch (kind) {
    case kStart:
      return WireMessage(start(r));
    case kAcquire:
      return WireMessage(Acquire{});
    case kGiveBack:
      return WireMessage(GiveBack{});
    case kLinkLost:
      return WireMessage(link_lost(r));
    case kLine:
      return WireMessage(line(r));
    case kWaiting:
      return WireMessage(Waiting{text(r)});
    case kGranted:
      return WireMessage(granted(r));
    case kEnded:
      return WireMessage(ended(r));
    default:
      return invalid_argument("[session.wire] unknown message kind: " + std::to_string(kind));
  }
}

uint32_t prefix_at(std::string_view bytes) {
  uint32_t length = 0;
  for (size_t i = 0; i < kPrefixBytes; ++i) {
    length |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  return length;
}

}  // namespace

void encode(const WireMessage& m, std::string* out) {
  const size_t begin = out->size();
  out->append(kPrefixBytes, '\0');
  Writer writer(out);
  std::visit([&](const auto& message) { put(message, writer); }, m);
  const size_t length = out->size() - begin - kPrefixBytes;
  for (size_t i = 0; i < kPrefixBytes; ++i) {
    (*out)[begin + i] = static_cast<char>((length >> (8 * i)) & 0xff);
  }
}

Result<WireMessage> decode(std::string_view frame) {
  if (frame.size() > kWireFrameBytesMax) {
    return invalid_argument("[session.wire] frame too long: " + std::to_string(frame.size()));
  }
  Reader reader(frame);
  const uint8_t kind = reader.u8();
  if (!reader.ok()) return invalid_argument("[session.wire] empty frame");
  auto message = read_message(kind, reader);
  if (message.ok() && !reader.done()) {
    return invalid_argument("[session.wire] malformed message of kind " + std::to_string(kind));
  }
  return message;
}

Result<std::optional<WireMessage>> WireSplitter::next() {
  using Next = std::optional<WireMessage>;
  const std::string_view rest = std::string_view(buffer_).substr(begin_);
  if (rest.size() < kPrefixBytes) return Next();
  const uint32_t length = prefix_at(rest);
  if (length > kWireFrameBytesMax) {
    return invalid_argument("[session.wire] frame too long: " + std::to_string(length));
  }
  if (rest.size() < kPrefixBytes + length) return Next();
  auto message = decode(rest.substr(kPrefixBytes, length));
  begin_ += kPrefixBytes + length;
  if (begin_ == buffer_.size()) {
    buffer_.clear();
    begin_ = 0;
  }
  if (!message.ok()) return message.status();
  return Next(std::move(*message));
}

}  // namespace moai::session
