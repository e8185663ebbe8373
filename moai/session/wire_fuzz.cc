// fuzz-sources: moai/base/bytes.cc moai/base/status.cc moai/session/wire.cc
// fuzz-covers: moai/session/wire.cc
//
// Feeds arbitrary bytes to the decoder; what decodes must encode to something that decodes equal.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "moai/session/wire.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using moai::session::decode;
  using moai::session::encode;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  moai::session::WireSplitter splitter;
  splitter.feed(input);
  while (true) {
    auto next = splitter.next();
    if (!next.ok() || !*next) break;
  }
  auto message = decode(input);
  if (!message.ok()) return 0;
  std::string once;
  encode(*message, &once);
  auto again = decode(std::string_view(once).substr(4));
  if (!again.ok()) std::abort();
  std::string twice;
  encode(*again, &twice);
  if (once != twice) std::abort();
  return 0;
}
