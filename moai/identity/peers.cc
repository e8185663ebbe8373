#include "moai/identity/peers.h"

#include <algorithm>

#include "moai/base/bytes.h"

namespace moai::identity {

std::string encode_peers(const std::vector<Peer>& peers) {
  std::string bytes;
  Writer w(&bytes);
  w.varint(peers.size());
  for (const Peer& peer : peers) {
    w.bytes(peer.address);
    w.bytes(peer.host_id);
  }
  return bytes;
}

Result<std::vector<Peer>> decode_peers(std::string_view bytes) {
  Reader r(bytes);
  std::vector<Peer> peers(r.count(2));
  for (Peer& peer : peers) {
    peer.address = r.bytes();
    peer.host_id = r.bytes();
  }
  if (r.done()) return peers;
  return invalid_argument(
      "[identity.peers] not a list of Workers: " + std::to_string(bytes.size()) + " bytes");
}

bool share_memory(const std::vector<Peer>& peers) {
  return std::all_of(peers.begin(), peers.end(), [&](const Peer& peer) {
    return !peer.host_id.empty() && peer.host_id == peers.front().host_id;
  });
}

}  // namespace moai::identity
