// fuzz-sources: moai/base/bytes.cc moai/base/status.cc moai/identity/peers.cc
// fuzz-covers: moai/identity/peers.cc
//
// Feeds arbitrary bytes to the decoder; what decodes must encode to something that decodes equal.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "moai/identity/peers.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace moai::identity;
  const auto peers = decode_peers({reinterpret_cast<const char*>(data), size});
  if (!peers.ok()) return 0;
  const auto again = decode_peers(encode_peers(*peers));
  if (!again.ok() || *again != *peers || share_memory(*again) != share_memory(*peers)) std::abort();
  return 0;
}
