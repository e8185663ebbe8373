// fuzz-sources: moai/base/bytes.cc moai/tensor/dtype.cc moai/tensor/reduction.cc
// fuzz-sources: moai/comm/collective/frame.cc moai/comm/collective/operation.cc
// fuzz-covers: moai/comm/collective/frame.cc moai/comm/collective/operation.cc
//
// Arbitrary frames of a peer: what decodes must encode to what decodes equal, and has a text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "moai/comm/collective/frame.h"
#include "moai/comm/collective/operation.h"

namespace {

using namespace moai::comm;

void check(bool kept) {
  if (!kept) std::abort();
}

void try_operation(std::string_view bytes) {
  const auto operation = decode_operation(bytes);
  if (!operation) return;
  check(decode_operation(encode(*operation)) == operation);
  check(agree(*operation, *operation));
  check(!to_string(*operation).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try_operation(bytes);
  if (const auto greeting = decode_greeting(bytes)) {
    check(decode_greeting(encode(*greeting)) == greeting);
  }
  const auto frame = decode_frame(bytes);
  if (!frame) return 0;
  check(frame->content_at <= size);
  const auto again = decode_frame(encode(frame->header));
  check(again && again->header == frame->header);
  try_operation(frame->header.operation);
  return 0;
}
