// What an agent hands to a Worker through descriptors: secrets, and who its peers are.
// docs/formats/worker.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "moai/base/fd.h"
#include "moai/base/status.h"
#include "moai/identity/peers.h"

namespace moai::worker {

struct Secrets {
  std::string lease;  // dispatch::kSecretBytes
  std::string group;  // likewise; empty where the Worker is alone
};
// Reads to the end. INVALID_ARGUMENT unless there is what a Worker of so many needs.
Result<Secrets> read_secrets(const Fd& fd, uint32_t ranks);

// The list of Workers, which comes when all of them are ready. One thread.
class PeersReader {
 public:
  explicit PeersReader(Fd fd);
  // Readable when read() has something to do; -1 when nothing more comes.
  int descriptor() const { return fd_.get(); }
  // Never blocks. Nothing while more may follow; UNAVAILABLE: the agent is gone without a word.
  std::optional<Result<std::vector<identity::Peer>>> read();

 private:
  Fd fd_;
  std::string bytes_;
};

}  // namespace moai::worker
