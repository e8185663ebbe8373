// Handshake: whether a front may use this Worker, and whether another Worker is one of its group.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "moai/dispatch/messages.h"

namespace moai::worker {

// What this Worker is and whom it belongs to.
struct Identity {
  uint64_t epoch = 0;           // of the lease
  std::string secret{};         // of the lease, dispatch::kSecretBytes
  std::string name{};           // "worker 3 on back01"
  std::string device_kind{};    // "cpu"
  std::string torch_version{};  // "2.13.0"
  uint64_t memory_bytes = 0;
  uint64_t credit_bytes = uint64_t{64} << 20;
  uint32_t rank = 0;  // among the Workers of the lease
  uint32_t ranks = 1;
  std::string group_secret{};  // of these, dispatch::kSecretBytes; empty: it is alone
};

// OK, or why not: the words that the front sees. The secret is compared in constant time, and
// before anything that it protects.
Status admit(const dispatch::Hello& hello, const Identity& identity);

// The same for a Worker of the lease. Higher ranks join lower ones.
Status admit(const dispatch::Join& join, const Identity& identity);

dispatch::Welcome welcome(const Identity& identity);

// "2.13.0" and "2.13.1+cu128" are alike, 2.12 is not.
bool same_minor_version(std::string_view a, std::string_view b);

}  // namespace moai::worker
