#include "moai/identity/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "moai/identity/openssl.h"

namespace moai::identity {
namespace {

using ContextPtr = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Deleter<SSL_free>>;

// ---- a BIO that sends with MSG_NOSIGNAL, which OpenSSL's own socket BIO does not

int fd_of(BIO* bio) { return static_cast<int>(reinterpret_cast<intptr_t>(BIO_get_data(bio))); }

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

int bio_write(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t n = ::send(fd_of(bio), data, static_cast<size_t>(size), MSG_NOSIGNAL);
  if (n < 0 && would_block()) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}

int bio_read(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t n = ::recv(fd_of(bio), data, static_cast<size_t>(size), 0);
  if (n < 0 && would_block()) BIO_set_retry_read(bio);
  return static_cast<int>(n);
}

long bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

BIO_METHOD* bio_method() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "moai socket");
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_ctrl(m, bio_control);
    return m;
  }();
  return method;
}

// ---- contexts

Status load(SSL_CTX* context, const TlsCredentials& credentials) {
  if (!credentials.ca.empty()) {
    MOAI_ASSIGN_OR_RETURN(X509Ptr ca, certificate_from_pem(credentials.ca));
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), ca.get()) != 1)
      return openssl_error("[identity.tls] the CA certificate was refused");
  }
  if (credentials.certificate.empty()) return ok_status();
  MOAI_ASSIGN_OR_RETURN(X509Ptr certificate, certificate_from_pem(credentials.certificate));
  MOAI_ASSIGN_OR_RETURN(KeyPtr key, key_from_pem(credentials.key));
  if (SSL_CTX_use_certificate(context, certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return openssl_error("[identity.tls] certificate and key do not belong together");
  return ok_status();
}

Result<SslPtr> make_ssl(const SSL_METHOD* method, int fd, const TlsCredentials& credentials,
                        int verify) {
  ContextPtr context(SSL_CTX_new(method));
  if (!context) return openssl_error("[identity.tls] no context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  MOAI_RETURN_IF_ERROR(load(context.get(), credentials));
  SSL_CTX_set_verify(context.get(), verify, nullptr);
  SslPtr ssl(SSL_new(context.get()));
  BIO* bio = ssl ? BIO_new(bio_method()) : nullptr;
  if (!bio) return openssl_error("[identity.tls] no stream");
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<intptr_t>(fd)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl.get(), bio, bio);
  return ssl;
}

Status expect_name(SSL* ssl, const std::string& name) {
  if (name.empty()) return ok_status();
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(parameters, name.c_str()) == 1) return ok_status();
  ERR_clear_error();
  if (SSL_set1_host(ssl, name.c_str()) != 1 || SSL_set_tlsext_host_name(ssl, name.c_str()) != 1)
    return openssl_error("[identity.tls] not a peer name: " + name);
  return ok_status();
}

class OpenSslStream final : public TlsStream {
 public:
  explicit OpenSslStream(SslPtr ssl) : ssl_(std::move(ssl)) {}

  Result<Want> handshake() override {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    if (done == 1) return Want::kNone;
    return want_or_error(done);
  }

  Result<Io> read(void* data, size_t size) override {
    ERR_clear_error();
    size_t moved = 0;
    const int done = SSL_read_ex(ssl_.get(), data, size, &moved);
    if (done == 1) return Io{moved, Want::kNone};
    MOAI_ASSIGN_OR_RETURN(const Want want, want_or_error(done));
    return Io{0, want};
  }

  Result<Io> write(const void* data, size_t size) override {
    ERR_clear_error();
    size_t moved = 0;
    const int done = SSL_write_ex(ssl_.get(), data, size, &moved);
    if (done == 1) return Io{moved, Want::kNone};
    MOAI_ASSIGN_OR_RETURN(const Want want, want_or_error(done));
    return Io{0, want};
  }

  bool pending() const override { return SSL_has_pending(ssl_.get()) == 1; }

  std::string peer_certificate() const override {
    X509Ptr certificate(SSL_get1_peer_certificate(ssl_.get()));
    if (!certificate) return {};
    Result<std::string> pem = certificate_to_pem(certificate.get());
    return pem.ok() ? std::move(*pem) : std::string();
  }

  void shutdown() override {
    ERR_clear_error();
    if (!broken_) SSL_shutdown(ssl_.get());
    ERR_clear_error();
  }

 private:
  Result<Want> want_or_error(int done) {
    switch (SSL_get_error(ssl_.get(), done)) {
      case SSL_ERROR_WANT_READ:
        return Want::kRead;
      case SSL_ERROR_WANT_WRITE:
        return Want::kWrite;
      case SSL_ERROR_ZERO_RETURN:
        return unavailable("[identity.tls] the peer closed the connection");
      case SSL_ERROR_SYSCALL:
        broken_ = true;
        return unavailable(std::string("[identity.tls] the peer is gone") +
                           (errno ? std::string(": ") + std::strerror(errno) : ""));
      default:
        broken_ = true;
        return protocol_error();
    }
  }

  Status protocol_error() {
    const unsigned long code = ERR_peek_last_error();
    const int reason = ERR_GET_REASON(code);
    const std::string text = openssl_error("[identity.tls] TLS failed").message();
    if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) return unavailable(text);
    const long verified = SSL_get_verify_result(ssl_.get());
    if (verified != X509_V_OK)
      return unauthenticated(text + " (" + X509_verify_cert_error_string(verified) + ")");
    if (!SSL_is_init_finished(ssl_.get()) || is_certificate_alert(reason))
      return unauthenticated(text);
    return data_loss(text);
  }

  static bool is_certificate_alert(int reason) {
    return reason == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED ||
           reason == SSL_R_TLSV1_ALERT_UNKNOWN_CA || reason == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE ||
           reason == SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED;
  }

  SslPtr ssl_;
  bool broken_ = false;
};

}  // namespace

Result<std::unique_ptr<TlsStream>> TlsStream::server(int fd, const TlsCredentials& credentials) {
  const int verify =
      credentials.ca.empty() ? SSL_VERIFY_NONE : SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  MOAI_ASSIGN_OR_RETURN(SslPtr ssl, make_ssl(TLS_server_method(), fd, credentials, verify));
  SSL_set_accept_state(ssl.get());
  return std::unique_ptr<TlsStream>(std::make_unique<OpenSslStream>(std::move(ssl)));
}

Result<std::unique_ptr<TlsStream>> TlsStream::client(int fd, const TlsCredentials& credentials,
                                                     const std::string& peer_name) {
  const int verify = credentials.ca.empty() ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
  MOAI_ASSIGN_OR_RETURN(SslPtr ssl, make_ssl(TLS_client_method(), fd, credentials, verify));
  if (!credentials.ca.empty()) MOAI_RETURN_IF_ERROR(expect_name(ssl.get(), peer_name));
  SSL_set_connect_state(ssl.get());
  return std::unique_ptr<TlsStream>(std::make_unique<OpenSslStream>(std::move(ssl)));
}

}  // namespace moai::identity
