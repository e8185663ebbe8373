// What listeners and addresses do; the contract of a Link is in ../conformance.
#include "moai/comm/link/link.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <fstream>
#include <thread>

#include "moai/base/fd.h"
#include "moai/comm/conformance/link_pairs.h"

namespace moai::comm {
namespace {

Code listen_code(const std::string& address) { return listen(address).status().code(); }
Code connect_code(const std::string& address) {
  return connect(address, in_ms(2000)).status().code();
}

// A client that speaks bytes instead of frames.
Fd raw_client(const std::string& path) {
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un to = {};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, path.data(), path.size());
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  return fd;
}

void write_raw(int fd, std::string_view bytes) {
  EXPECT_EQ(::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL),
            static_cast<ssize_t>(bytes.size()));
}

std::string header(uint64_t size) {
  std::string bytes(sizeof size, '\0');
  std::memcpy(bytes.data(), &size, sizeof size);
  return bytes;
}

class UnixListener : public testing::Test {
 protected:
  void SetUp() override {
    auto listener = listen(address_);
    ASSERT_TRUE(listener.ok()) << listener.status().to_string();
    listener_ = *std::move(listener);
  }
  std::unique_ptr<Link> accepted() {
    auto link = listener_->accept(in_ms(5000), {});
    EXPECT_TRUE(link.ok()) << link.status().to_string();
    return link.ok() ? *std::move(link) : nullptr;
  }

  const TemporaryDirectory directory_;
  const std::string path_ = (directory_.path() / "s").string();
  const std::string address_ = "unix:" + path_;
  std::unique_ptr<Listener> listener_;
};

TEST(Link, StrangeAddressesAreRefused) {
  for (const char* address : {"", "unix:", "tcp:", "tcp:host", "tcp:host:", "tcp:host:x",
                              "tcp:host:70000", "tcp:host:-1", "udp:host:1", "host:1"}) {
    EXPECT_EQ(listen_code(address), Code::kInvalidArgument) << address;
    EXPECT_EQ(connect_code(address), Code::kInvalidArgument) << address;
  }
  EXPECT_EQ(listen_code("unix:/" + std::string(200, 'x')), Code::kInvalidArgument);
  EXPECT_EQ(listen_code("tls:127.0.0.1:0"), Code::kInvalidArgument);
  EXPECT_EQ(connect_code("tls:127.0.0.1:1"), Code::kInvalidArgument);
}

TEST(Link, NobodyThereIsUnavailable) {
  const TemporaryDirectory directory;
  EXPECT_EQ(connect_code("unix:" + (directory.path() / "none").string()), Code::kUnavailable);
  auto listener = listen("tcp:127.0.0.1:0");
  ASSERT_TRUE(listener.ok());
  const std::string address = (*listener)->address();
  (*listener)->close();
  EXPECT_EQ(connect_code(address), Code::kUnavailable);
}

TEST(Link, TcpListenersTellTheirPortAndExcludeOthers) {
  auto listener = listen("tcp:127.0.0.1:0");
  ASSERT_TRUE(listener.ok());
  const std::string address = (*listener)->address();
  EXPECT_TRUE(address.starts_with("tcp:127.0.0.1:")) << address;
  EXPECT_FALSE(address.ends_with(":0"));
  EXPECT_EQ(listen_code(address), Code::kAlreadyExists);
}

TEST_F(UnixListener, TheFileIsPrivateAndEndsWithTheListener) {
  struct stat facts = {};
  ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600u);
  EXPECT_EQ(listener_->address(), address_);
  listener_.reset();
  EXPECT_NE(::stat(path_.c_str(), &facts), 0);
}

TEST_F(UnixListener, ALiveListenerIsNotReplaced) {
  EXPECT_EQ(listen_code(address_), Code::kAlreadyExists);
  ASSERT_TRUE(connect(address_, in_ms(1000)).ok());
}

TEST_F(UnixListener, AnAbandonedFileIsReplacedAnOrdinaryOneIsNot) {
  const std::string abandoned = (directory_.path() / "abandoned").string();
  {
    const Fd dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un at = {};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, abandoned.data(), abandoned.size());
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at), 0);
  }
  auto listener = listen("unix:" + abandoned);
  EXPECT_TRUE(listener.ok()) << listener.status().to_string();
  const std::string ordinary = (directory_.path() / "ordinary").string();
  std::ofstream(ordinary) << "text";
  EXPECT_EQ(listen_code("unix:" + ordinary), Code::kAlreadyExists);
}

TEST_F(UnixListener, AFileThatIsNotOursStays) {
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  auto other = listen(address_);
  ASSERT_TRUE(other.ok());
  listener_.reset();
  EXPECT_TRUE(connect(address_, in_ms(1000)).ok());
}

TEST_F(UnixListener, AcceptKeepsItsDeadlineAndWakesOnClose) {
  EXPECT_EQ(listener_->accept(in_ms(10), {}).status().code(), Code::kDeadlineExceeded);
  std::atomic<bool> waiting = false;
  const auto interrupt = [&] {
    waiting = true;
    return ok_status();
  };
  std::thread closer([&] {
    while (!waiting) std::this_thread::yield();
    listener_->close();
  });
  EXPECT_EQ(listener_->accept(in_ms(10000), interrupt).status().code(), Code::kCancelled);
  closer.join();
}

TEST_F(UnixListener, PeersAreNamedForMessages) {
  auto client = connect(address_, in_ms(1000));
  ASSERT_TRUE(client.ok());
  const std::string expected = address_ + " (pid " + std::to_string(::getpid()) + ")";
  const auto server = accepted();
  EXPECT_EQ(server->peer(), expected);
  EXPECT_TRUE(server->same_machine());
  EXPECT_EQ((*client)->peer(), expected);
}

TEST_F(UnixListener, DescriptorsAreCloseOnExec) {
  auto client = connect(address_, in_ms(1000));
  ASSERT_TRUE(client.ok());
  const auto server = accepted();
  for (int fd = 3; fd < 64; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    struct stat facts = {};
    if (flags < 0 || ::fstat(fd, &facts) != 0 || !S_ISSOCK(facts.st_mode)) continue;
    EXPECT_TRUE(flags & FD_CLOEXEC) << fd;
  }
}

TEST_F(UnixListener, AHeaderThatIsNoneIsDataLoss) {
  const Fd raw = raw_client(path_);
  const auto server = accepted();
  write_raw(raw.get(), "GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(server->receive(in_ms(5000), {}).status().code(), Code::kDataLoss);
}

TEST_F(UnixListener, AHalfFrameSurvivesADeadline) {
  const Fd raw = raw_client(path_);
  const auto server = accepted();
  for (const uint64_t size : {uint64_t{10}, uint64_t{100000}}) {
    const std::string content(size, 'c');
    write_raw(raw.get(), header(size).substr(0, 5));
    EXPECT_EQ(server->receive(in_ms(5), {}).status().code(), Code::kDeadlineExceeded);
    write_raw(raw.get(), header(size).substr(5) + content.substr(0, 6));
    EXPECT_FALSE(server->readable());
    EXPECT_EQ(server->receive(in_ms(5), {}).status().code(), Code::kDeadlineExceeded);
    write_raw(raw.get(), content.substr(6));
    EXPECT_EQ(receive_text(server.get()), content);
  }
}

TEST_F(UnixListener, APeerThatEndsInsideAFrameIsUnavailable) {
  Fd raw = raw_client(path_);
  const auto server = accepted();
  write_raw(raw.get(), header(10) + "half");
  raw.reset();
  EXPECT_EQ(server->receive(in_ms(5000), {}).status().code(), Code::kUnavailable);
}

TEST(Link, TlsRefusesAPeerOfAnotherCa) {
  const TlsPair ours = make_tls();
  const TlsPair others = make_tls();
  auto listener = listen("tls:127.0.0.1:0", ours.server);
  ASSERT_TRUE(listener.ok());
  std::thread server([&] {
    auto link = (*listener)->accept(in_ms(5000), {});
    ASSERT_TRUE(link.ok());
    EXPECT_FALSE((*link)->receive(in_ms(5000), {}).ok());
  });
  const auto link = connect((*listener)->address(), in_ms(5000), others.client);
  EXPECT_EQ(link.status().code(), Code::kUnauthenticated) << link.status().to_string();
  server.join();
}

TEST(Link, TlsRefusesAPeerOfAnotherName) {
  TlsPair tls = make_tls();
  tls.client.peer_name = "elsewhere";
  auto listener = listen("tls:127.0.0.1:0", tls.server);
  ASSERT_TRUE(listener.ok());
  std::thread server([&] {
    auto link = (*listener)->accept(in_ms(5000), {});
    ASSERT_TRUE(link.ok());
    EXPECT_FALSE((*link)->receive(in_ms(5000), {}).ok());
  });
  const auto link = connect((*listener)->address(), in_ms(5000), tls.client);
  EXPECT_EQ(link.status().code(), Code::kUnauthenticated) << link.status().to_string();
  server.join();
}

TEST(Link, ASilentTlsPeerDoesNotHoldUpOthers) {
  const TlsPair tls = make_tls();
  auto listener = listen("tls:127.0.0.1:0", tls.server);
  ASSERT_TRUE(listener.ok());
  const std::string address = (*listener)->address();
  auto silent = connect("tcp:" + address.substr(4), in_ms(1000));
  ASSERT_TRUE(silent.ok());
  auto first = (*listener)->accept(in_ms(5000), {});
  ASSERT_TRUE(first.ok());
  EXPECT_EQ((*first)->receive(in_ms(20), {}).status().code(), Code::kDeadlineExceeded);
  std::thread client([&] {
    auto link = connect(address, in_ms(5000), tls.client);
    ASSERT_TRUE(link.ok()) << link.status().to_string();
    EXPECT_TRUE(send_text(link->get(), "hello").ok());
    EXPECT_EQ(receive_text(link->get()), "welcome");
  });
  auto second = (*listener)->accept(in_ms(5000), {});
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(receive_text(second->get()), "hello");
  EXPECT_TRUE(send_text(second->get(), "welcome").ok());
  client.join();
}

}  // namespace
}  // namespace moai::comm
