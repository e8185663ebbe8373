// fuzz-sources: moai/base/bytes.cc moai/base/status.cc
// fuzz-sources: moai/tensor/dtype.cc moai/tensor/geometry.cc
// fuzz-sources: moai/ops/call.cc moai/ops/call_print.cc moai/ops/call_parse.cc
// fuzz-covers: moai/ops/call.cc moai/ops/call_parse.cc
//
// Arbitrary bytes as a call signature, and as its text: what is read must be written and read as
// equal.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "moai/ops/call.h"
#include "moai/ops/call_text.h"

namespace {

using moai::ops::CallSignature;

void check_bytes(const CallSignature& s) {
  std::string bytes;
  moai::Writer out(&bytes);
  moai::ops::encode(s, &out);
  moai::Reader in(bytes);
  if (moai::ops::decode_call_signature(&in) != s || !in.done()) std::abort();
}

void check_text(const CallSignature& s) {
  const auto back = moai::ops::call_signature_from_string(moai::ops::to_string(s));
  if (!back || *back != s || moai::ops::hash(*back) != moai::ops::hash(s)) std::abort();
}

void check_bound(std::string_view input) {
  const auto call = moai::ops::bound_call_from_string(input);
  if (!call) return;
  const std::string text =
      moai::ops::to_string(call->signature, {.storages = call->storages, .words = call->words});
  const auto back = moai::ops::bound_call_from_string(text);
  if (!back || back->signature != call->signature || back->storages != call->storages ||
      back->words != call->words) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  moai::Reader in(input);
  const CallSignature s = moai::ops::decode_call_signature(&in);
  if (in.ok()) {
    check_bytes(s);
    check_text(s);
    if (moai::ops::written_operands(s).size() != moai::ops::arity(s).operands) std::abort();
  }
  if (const auto parsed = moai::ops::call_signature_from_string(input)) check_text(*parsed);
  check_bound(input);
  return 0;
}
