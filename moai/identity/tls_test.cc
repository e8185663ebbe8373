#include "moai/identity/tls.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

#include "moai/identity/certificate.h"

namespace moai::identity {
namespace {

using Want = TlsStream::Want;

class Tls : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds_), 0);
    ca_ = make_ca("test").value();
    server_ = issue(ca_, {"worker", "w0", {"worker.local"}, {"10.0.0.7"}}).value();
    client_ = issue(ca_, {"front", "f0", {}, {}}).value();
  }
  void TearDown() override {
    for (int fd : fds_)
      if (fd >= 0) ::close(fd);
  }
  void close_client() {
    ::close(fds_[1]);
    fds_[1] = -1;
  }

  // Alternates both sides until both are done or one fails.
  Status shake(TlsStream& a, TlsStream& b) {
    bool a_done = false, b_done = false;
    for (int i = 0; i < 100 && !(a_done && b_done); ++i) {
      if (!a_done) {
        MOAI_ASSIGN_OR_RETURN(const Want want, a.handshake());
        a_done = want == Want::kNone;
      }
      if (!b_done) {
        MOAI_ASSIGN_OR_RETURN(const Want want, b.handshake());
        b_done = want == Want::kNone;
      }
    }
    return a_done && b_done ? ok_status() : internal_error("no progress");
  }

  int fds_[2] = {-1, -1};
  KeyPair ca_, server_, client_;
};

TEST_F(Tls, MovesBytesBothWays) {
  auto s = TlsStream::server(fds_[0], {"", server_.certificate, server_.key}).value();
  auto c = TlsStream::client(fds_[1], {ca_.certificate, "", ""}, "worker.local").value();
  ASSERT_TRUE(shake(*s, *c).ok());
  EXPECT_EQ(c->write("hello", 5).value().bytes, 5u);
  char data[16];
  EXPECT_EQ(s->read(data, sizeof data).value().bytes, 5u);
  EXPECT_EQ(std::string(data, 5), "hello");
  EXPECT_EQ(s->read(data, sizeof data).value().want, Want::kRead);
}

TEST_F(Tls, TellsWhatIsPending) {
  auto s = TlsStream::server(fds_[0], {"", server_.certificate, server_.key}).value();
  auto c = TlsStream::client(fds_[1], {ca_.certificate, "", ""}, "").value();
  ASSERT_TRUE(shake(*s, *c).ok());
  ASSERT_TRUE(c->write("hello", 5).ok());
  char data[2];
  EXPECT_EQ(s->read(data, 2).value().bytes, 2u);
  EXPECT_TRUE(s->pending());
}

TEST_F(Tls, ChecksNamesAndAddresses) {
  for (const auto& [name, good] : {std::pair{"10.0.0.7", true},
                                   {"10.0.0.8", false},
                                   {"worker.local", true},
                                   {"other.local", false}}) {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    auto s = TlsStream::server(fds[0], {"", server_.certificate, server_.key}).value();
    auto c = TlsStream::client(fds[1], {ca_.certificate, "", ""}, name).value();
    const Status status = shake(*s, *c);
    EXPECT_EQ(status.ok(), good) << name << " " << status.to_string();
    if (!good) {
      EXPECT_EQ(status.code(), Code::kUnauthenticated);
    }
    ::close(fds[0]);
    ::close(fds[1]);
  }
}

TEST_F(Tls, ClientCertificateIsDemandedAndShown) {
  const TlsCredentials mutual{ca_.certificate, server_.certificate, server_.key};
  auto s = TlsStream::server(fds_[0], mutual).value();
  auto c =
      TlsStream::client(fds_[1], {ca_.certificate, client_.certificate, client_.key}, "").value();
  ASSERT_TRUE(shake(*s, *c).ok());
  EXPECT_EQ(read_identity(s->peer_certificate()).value().name, "f0");
}

TEST_F(Tls, MissingClientCertificateIsUnauthenticated) {
  const TlsCredentials mutual{ca_.certificate, server_.certificate, server_.key};
  auto s = TlsStream::server(fds_[0], mutual).value();
  auto c = TlsStream::client(fds_[1], {ca_.certificate, "", ""}, "").value();
  EXPECT_EQ(shake(*s, *c).code(), Code::kUnauthenticated);
}

TEST_F(Tls, ForeignServerIsUnauthenticated) {
  const KeyPair foreign = make_ca("foreign").value();
  auto s = TlsStream::server(fds_[0], {"", server_.certificate, server_.key}).value();
  auto c = TlsStream::client(fds_[1], {foreign.certificate, "", ""}, "").value();
  EXPECT_EQ(shake(*c, *s).code(), Code::kUnauthenticated);
}

TEST_F(Tls, GonePeerIsUnavailableWithoutSignal) {
  auto s = TlsStream::server(fds_[0], {"", server_.certificate, server_.key}).value();
  auto c = TlsStream::client(fds_[1], {ca_.certificate, "", ""}, "").value();
  ASSERT_TRUE(shake(*s, *c).ok());
  close_client();
  char data[4];
  EXPECT_EQ(s->read(data, 4).status().code(), Code::kUnavailable);
  EXPECT_EQ(s->write("x", 1).status().code(), Code::kUnavailable);
}

TEST_F(Tls, GoodbyeIsUnavailable) {
  auto s = TlsStream::server(fds_[0], {"", server_.certificate, server_.key}).value();
  auto c = TlsStream::client(fds_[1], {ca_.certificate, "", ""}, "").value();
  ASSERT_TRUE(shake(*s, *c).ok());
  c->shutdown();
  char data[4];
  EXPECT_EQ(s->read(data, 4).status().code(), Code::kUnavailable);
}

TEST_F(Tls, RubbishIsRefused) {
  auto s = TlsStream::server(fds_[0], {"", server_.certificate, server_.key}).value();
  ASSERT_EQ(::send(fds_[1], "GET / HTTP/1.0\r\n\r\n", 18, 0), 18);
  EXPECT_FALSE(s->handshake().ok());
}

TEST_F(Tls, FullSocketWantsWrite) {
  auto s = TlsStream::server(fds_[0], {"", server_.certificate, server_.key}).value();
  auto c = TlsStream::client(fds_[1], {ca_.certificate, "", ""}, "").value();
  ASSERT_TRUE(shake(*s, *c).ok());
  const std::string block(1 << 16, 'x');
  Want want = Want::kNone;
  for (int i = 0; i < 10000 && want == Want::kNone; ++i)
    want = c->write(block.data(), block.size()).value().want;
  EXPECT_EQ(want, Want::kWrite);
}

TEST_F(Tls, KeyMustFitCertificate) {
  EXPECT_FALSE(TlsStream::server(fds_[0], {"", server_.certificate, client_.key}).ok());
}

}  // namespace
}  // namespace moai::identity
