// fuzz-sources: moai/base/bytes.cc moai/base/status.cc
// fuzz-sources: moai/tensor/dtype.cc moai/tensor/geometry.cc
// fuzz-sources: moai/ops/call.cc moai/ops/call_print.cc moai/ops/call_parse.cc
// fuzz-sources: moai/graph/signature_table.cc
// fuzz-sources: moai/program/program.cc moai/program/program_codec.cc
// fuzz-sources: moai/dispatch/codec.cc moai/dispatch/front_bodies.cc
// fuzz-sources: moai/dispatch/worker_bodies.cc
// fuzz-covers: moai/dispatch/codec.cc moai/dispatch/front_bodies.cc
// fuzz-covers: moai/dispatch/worker_bodies.cc
//
// Arbitrary bytes as a frame: what decodes must encode to something that decodes equal. Bytes are
// compared, not messages: a NaN equals nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "moai/dispatch/messages.h"

namespace {

using namespace moai::dispatch;

// A header and the bytes sent apart are the message sent whole.
void check_header(const Message& message, const std::string& whole) {
  std::string parts;
  if (const auto* upload = std::get_if<Upload>(&message)) {
    upload_header(upload->storage, upload->storage_bytes, upload->offset, upload->bytes.size(),
                  &parts);
    parts += upload->bytes;
  } else if (const auto* data = std::get_if<Data>(&message)) {
    data_header(data->request, data->range, data->bytes.size(), &parts);
    parts += data->bytes;
  } else {
    return;
  }
  if (parts != whole) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view frame(reinterpret_cast<const char*>(data), size);
  const auto message = decode(frame);
  if (upload_view(frame).has_value() !=
      (message.ok() && std::holds_alternative<Upload>(*message))) {
    std::abort();
  }
  if (data_view(frame).has_value() != (message.ok() && std::holds_alternative<Data>(*message))) {
    std::abort();
  }
  if (!message.ok()) return 0;
  std::string once;
  encode(*message, &once);
  const auto again = decode(once);
  if (!again.ok()) std::abort();
  std::string twice;
  encode(*again, &twice);
  if (once != twice) std::abort();
  check_header(*message, once);
  return 0;
}
