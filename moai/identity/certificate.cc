#include "moai/identity/certificate.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "moai/identity/openssl.h"

namespace moai::identity {
namespace {

Status refuse(const std::string& what) { return openssl_error("[identity.certificate] " + what); }

Result<KeyPtr> make_key() {
  KeyPtr key(EVP_EC_gen("P-256"));
  if (!key) return refuse("a key could not be made");
  return key;
}

Result<std::string> key_to_pem(EVP_PKEY* key) {
  BioPtr out(BIO_new(BIO_s_mem()));
  if (!out ||
      PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return refuse("a key could not be written");
  return drain(out.get());
}

Status add_extension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (!extension) return refuse("extension refused: " + value);
  const int added = X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
  return added == 1 ? ok_status() : refuse("extension could not be added: " + value);
}

Status set_name(X509_NAME* name, const char* field, const std::string& text) {
  if (text.empty()) return ok_status();
  if (X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(text.data()),
                                 static_cast<int>(text.size()), -1, 0) != 1)
    return refuse("a subject cannot hold \"" + text + "\"");
  return ok_status();
}

Status set_serial(X509* certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return refuse("no randomness");
  bytes[0] &= 0x7f;
  bytes[0] |= 0x01;
  BIGNUM* number = BN_bin2bn(bytes, sizeof bytes, nullptr);
  const bool set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
  return set ? ok_status() : refuse("no serial number");
}

// A certificate of `key` with everything but extensions and signature.
Result<X509Ptr> start_certificate(EVP_PKEY* key, const Subject& subject, X509_NAME* issuer,
                                  std::chrono::hours life) {
  X509Ptr certificate(X509_new());
  if (!certificate) return refuse("out of memory");
  X509_set_version(certificate.get(), 2);
  MOAI_RETURN_IF_ERROR(set_serial(certificate.get()));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(life).count();
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), static_cast<long>(seconds));
  X509_NAME* name = X509_get_subject_name(certificate.get());
  MOAI_RETURN_IF_ERROR(set_name(name, "O", "MoAI"));
  MOAI_RETURN_IF_ERROR(set_name(name, "OU", subject.role));
  MOAI_RETURN_IF_ERROR(set_name(name, "CN", subject.name));
  X509_set_issuer_name(certificate.get(), issuer ? issuer : name);
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

Result<KeyPair> finish(X509* certificate, EVP_PKEY* key, EVP_PKEY* signer) {
  if (X509_sign(certificate, signer, EVP_sha256()) == 0) return refuse("signing failed");
  MOAI_ASSIGN_OR_RETURN(std::string certificate_pem, certificate_to_pem(certificate));
  MOAI_ASSIGN_OR_RETURN(std::string key_pem, key_to_pem(key));
  return KeyPair{std::move(certificate_pem), std::move(key_pem)};
}

std::string alternative_names(const Subject& subject) {
  std::string names;
  for (const std::string& dns : subject.dns) names += (names.empty() ? "DNS:" : ",DNS:") + dns;
  for (const std::string& ip : subject.ips) names += (names.empty() ? "IP:" : ",IP:") + ip;
  return names;
}

std::string subject_field(X509* certificate, int nid) {
  X509_NAME* name = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(name, nid, -1);
  if (at < 0) return {};
  unsigned char* text = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return {};
  std::string value(reinterpret_cast<char*>(text), static_cast<size_t>(size));
  OPENSSL_free(text);
  return value;
}

}  // namespace

Result<KeyPair> make_ca(const std::string& name, std::chrono::hours life) {
  MOAI_ASSIGN_OR_RETURN(KeyPtr key, make_key());
  MOAI_ASSIGN_OR_RETURN(X509Ptr ca,
                        start_certificate(key.get(), Subject{"ca", name, {}, {}}, nullptr, life));
  MOAI_RETURN_IF_ERROR(
      add_extension(ca.get(), ca.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0"));
  MOAI_RETURN_IF_ERROR(
      add_extension(ca.get(), ca.get(), NID_key_usage, "critical,keyCertSign,cRLSign"));
  MOAI_RETURN_IF_ERROR(add_extension(ca.get(), ca.get(), NID_subject_key_identifier, "hash"));
  return finish(ca.get(), key.get(), key.get());
}

Result<KeyPair> issue(const KeyPair& ca, const Subject& subject, std::chrono::hours life) {
  MOAI_ASSIGN_OR_RETURN(X509Ptr issuer, certificate_from_pem(ca.certificate));
  MOAI_ASSIGN_OR_RETURN(KeyPtr signer, key_from_pem(ca.key));
  MOAI_ASSIGN_OR_RETURN(KeyPtr key, make_key());
  MOAI_ASSIGN_OR_RETURN(
      X509Ptr certificate,
      start_certificate(key.get(), subject, X509_get_subject_name(issuer.get()), life));
  X509* c = certificate.get();
  MOAI_RETURN_IF_ERROR(add_extension(c, issuer.get(), NID_basic_constraints, "critical,CA:FALSE"));
  MOAI_RETURN_IF_ERROR(add_extension(c, issuer.get(), NID_key_usage, "critical,digitalSignature"));
  MOAI_RETURN_IF_ERROR(add_extension(c, issuer.get(), NID_ext_key_usage, "serverAuth,clientAuth"));
  MOAI_RETURN_IF_ERROR(add_extension(c, issuer.get(), NID_subject_key_identifier, "hash"));
  MOAI_RETURN_IF_ERROR(add_extension(c, issuer.get(), NID_authority_key_identifier, "keyid"));
  const std::string names = alternative_names(subject);
  if (!names.empty())
    MOAI_RETURN_IF_ERROR(add_extension(c, issuer.get(), NID_subject_alt_name, names));
  return finish(c, key.get(), signer.get());
}

Result<Identity> read_identity(const std::string& certificate_pem) {
  MOAI_ASSIGN_OR_RETURN(X509Ptr certificate, certificate_from_pem(certificate_pem));
  return Identity{subject_field(certificate.get(), NID_organizationalUnitName),
                  subject_field(certificate.get(), NID_commonName)};
}

Status verify_issued(const std::string& certificate_pem, const std::string& ca_pem) {
  MOAI_ASSIGN_OR_RETURN(X509Ptr certificate, certificate_from_pem(certificate_pem));
  MOAI_ASSIGN_OR_RETURN(X509Ptr ca, certificate_from_pem(ca_pem));
  std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(), X509_STORE_free);
  std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(X509_STORE_CTX_new(),
                                                                          X509_STORE_CTX_free);
  if (!store || !context || X509_STORE_add_cert(store.get(), ca.get()) != 1 ||
      X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr) != 1)
    return refuse("a certificate could not be checked");
  if (X509_verify_cert(context.get()) == 1) return ok_status();
  const int why = X509_STORE_CTX_get_error(context.get());
  return unauthenticated(std::string("[identity.certificate] certificate refused: ") +
                         X509_verify_cert_error_string(why));
}

}  // namespace moai::identity
