#include "moai/identity/token.h"

#include <sodium.h>

#include <array>
#include <cstdlib>

namespace moai::identity {
namespace {

void ensure_sodium() {
  static const bool ready = sodium_init() >= 0;
  if (!ready) std::abort();  // no source of randomness: nothing may be issued
}

}  // namespace

std::string make_secret() {
  ensure_sodium();
  std::string secret(kSecretBytes, '\0');
  randombytes_buf(secret.data(), secret.size());
  return secret;
}

std::string make_token() {
  const std::string secret = make_secret();
  std::array<char,
             sodium_base64_ENCODED_LEN(kSecretBytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING)>
      text;
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(secret.data()),
                    secret.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return std::string("moai_") + text.data();
}

std::string hash_token(std::string_view token) {
  ensure_sodium();
  std::string hash(crypto_generichash_BYTES, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(hash.data()), hash.size(),
                     reinterpret_cast<const unsigned char*>(token.data()), token.size(), nullptr,
                     0);
  return hash;
}

std::string derive_secret(std::string_view secret, std::string_view purpose) {
  ensure_sodium();
  std::string derived(kSecretBytes, '\0');
  crypto_generichash(reinterpret_cast<unsigned char*>(derived.data()), derived.size(),
                     reinterpret_cast<const unsigned char*>(purpose.data()), purpose.size(),
                     reinterpret_cast<const unsigned char*>(secret.data()), secret.size());
  return derived;
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace moai::identity
