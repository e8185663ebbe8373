// Owning pointers and PEM conversions for OpenSSL objects. Only this room includes it.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "moai/base/status.h"

namespace moai::identity {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Deleter<X509_free>>;
using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;

// INTERNAL with OpenSSL's newest error behind `what`; empties its error queue.
Status openssl_error(const std::string& what);

// The bytes of a memory BIO.
std::string drain(BIO* bio);
Result<std::string> certificate_to_pem(X509* certificate);
Result<X509Ptr> certificate_from_pem(const std::string& pem);
Result<KeyPtr> key_from_pem(const std::string& pem);

}  // namespace moai::identity
