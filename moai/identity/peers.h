// Peers: the Workers of one lease, as the agent of each tells it. docs/formats/worker.md.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moai/base/status.h"

namespace moai::identity {

struct Peer {
  std::string address;  // of its Link
  std::string host_id;  // equal where two can share memory; empty: not known
  bool operator==(const Peer&) const = default;
};

std::string encode_peers(const std::vector<Peer>& peers);
Result<std::vector<Peer>> decode_peers(std::string_view bytes);

// Whether all of them can share memory with each other.
bool share_memory(const std::vector<Peer>& peers);

}  // namespace moai::identity
