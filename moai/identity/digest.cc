#include "moai/identity/digest.h"

#include "moai/identity/token.h"

namespace moai::identity {

std::string digest_hex(std::string_view content) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : hash_token(content)) {
    const auto byte = static_cast<unsigned char>(c);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace moai::identity
