#include "moai/identity/openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace moai::identity {

Status openssl_error(const std::string& what) {
  std::string text = what;
  if (const unsigned long code = ERR_peek_last_error(); code != 0) {
    char reason[256];
    ERR_error_string_n(code, reason, sizeof reason);
    text += ": ";
    text += reason;
  }
  ERR_clear_error();
  return internal_error(std::move(text));
}

std::string drain(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return size > 0 ? std::string(data, static_cast<size_t>(size)) : std::string();
}

Result<std::string> certificate_to_pem(X509* certificate) {
  BioPtr out(BIO_new(BIO_s_mem()));
  if (!out || PEM_write_bio_X509(out.get(), certificate) != 1)
    return openssl_error("[identity] a certificate could not be written");
  return drain(out.get());
}

Result<X509Ptr> certificate_from_pem(const std::string& pem) {
  BioPtr in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  X509Ptr certificate(in ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr);
  if (certificate) return certificate;
  return invalid_argument(openssl_error("[identity] not a certificate in PEM form").message());
}

Result<KeyPtr> key_from_pem(const std::string& pem) {
  BioPtr in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // An empty passphrase instead of none, which would make OpenSSL ask on the terminal.
  char none[] = "";
  KeyPtr key(in ? PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, none) : nullptr);
  if (key) return key;
  return invalid_argument(openssl_error("[identity] not a private key in PEM form").message());
}

}  // namespace moai::identity
