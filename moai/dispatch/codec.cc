#include <array>
#include <optional>
#include <type_traits>
#include <utility>

#include "moai/dispatch/body.h"
#include "moai/dispatch/messages.h"

namespace moai::dispatch {
namespace {

// Alternatives of Message in order; the kind byte on the wire is the position from 1.
template <class T, size_t I = 0>
constexpr uint8_t kind_of() {
  if constexpr (std::is_same_v<T, std::variant_alternative_t<I, Message>>) {
    return I + 1;
  } else {
    return kind_of<T, I + 1>();
  }
}

using DecodeBody = Message (*)(Reader*);

template <size_t... I>
constexpr auto decoders_of(std::index_sequence<I...>) {
  return std::array<DecodeBody, sizeof...(I)>{[](Reader* in) -> Message {
    Message m(std::in_place_index<I>);
    decode_body(in, &std::get<I>(m));
    return m;
  }...};
}

constexpr auto kDecoders = decoders_of(std::make_index_sequence<std::variant_size_v<Message>>());

}  // namespace

void encode(const Message& m, std::string* out) {
  Writer writer(out);
  writer.u8(static_cast<uint8_t>(m.index() + 1));
  std::visit([&](const auto& body) { encode_body(body, &writer); }, m);
}

Result<Message> decode(std::string_view frame) {
  Reader in(frame);
  const uint8_t kind = in.u8();
  if (kind == 0 || kind > kDecoders.size()) {
    return invalid_argument("[dispatch.decode] unknown message kind: " + std::to_string(kind));
  }
  Message m = kDecoders[kind - 1](&in);
  if (!in.done()) {
    return invalid_argument("[dispatch.decode] malformed message of kind " + std::to_string(kind) +
                            ", frame of " + std::to_string(frame.size()) + " bytes");
  }
  return m;
}

void upload_header(StorageId storage, uint64_t storage_bytes, uint64_t offset, uint64_t size,
                   std::string* out) {
  Writer writer(out);
  writer.u8(kind_of<Upload>());
  writer.varint(storage);
  writer.varint(storage_bytes);
  writer.varint(offset);
  writer.varint(size);
}

void data_header(RequestId request, uint32_t range, uint64_t size, std::string* out) {
  Writer writer(out);
  writer.u8(kind_of<Data>());
  writer.varint(request);
  writer.varint(range);
  writer.varint(size);
}

std::optional<UploadView> upload_view(std::string_view frame) {
  Reader in(frame);
  if (in.u8() != kind_of<Upload>()) return std::nullopt;
  UploadView v;
  v.storage = in.varint();
  v.storage_bytes = in.varint();
  v.offset = in.varint();
  v.bytes = in.bytes();
  if (!in.done() || !range_fits(v.offset, v.bytes.size(), v.storage_bytes)) return std::nullopt;
  return v;
}

std::optional<DataView> data_view(std::string_view frame) {
  Reader in(frame);
  if (in.u8() != kind_of<Data>()) return std::nullopt;
  DataView v;
  v.request = in.varint();
  v.range = decode_u32(&in);
  v.bytes = in.bytes();
  if (!in.done()) return std::nullopt;
  return v;
}

}  // namespace moai::dispatch
