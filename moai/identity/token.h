// Tokens, secrets and resume credentials: random strings that prove a right by being known.
//
// A token is shown once and only its hash is stored. The hash is plain BLAKE2b (libsodium's
// crypto_generichash): a token carries 256 random bits, so nobody can search for it and a slow
// password hash would only slow every call. Comparison takes the same time wherever the first
// difference is.
#pragma once

#include <string>
#include <string_view>

#include "moai/base/status.h"

namespace moai::identity {

inline constexpr size_t kSecretBytes = 32;

// "moai_" and 32 random bytes in base64url, 48 characters.
std::string make_token();
// kSecretBytes raw random bytes, for a lease.
std::string make_secret();
// Another secret that who knows `secret` can make again for the same `purpose`, and nobody else.
std::string derive_secret(std::string_view secret, std::string_view purpose);
// 32 raw bytes.
std::string hash_token(std::string_view token);
bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace moai::identity
