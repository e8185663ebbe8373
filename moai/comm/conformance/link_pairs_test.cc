#include "moai/comm/conformance/link_pairs.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <thread>

#include "moai/comm/link/memory.h"
#include "moai/identity/certificate.h"

namespace moai::comm {

TemporaryDirectory::TemporaryDirectory() {
  std::string name = std::filesystem::temp_directory_path() / "moai-link-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no temporary directory";
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

TlsPair make_tls() {
  auto ca = identity::make_ca("test");
  EXPECT_TRUE(ca.ok()) << ca.status().to_string();
  auto own = identity::issue(
      *ca, {.role = "worker", .name = "w", .dns = {"localhost"}, .ips = {"127.0.0.1"}});
  EXPECT_TRUE(own.ok()) << own.status().to_string();
  return {
      .server = {.ca = "", .certificate = own->certificate, .key = own->key, .peer_name = ""},
      .client = {.ca = ca->certificate, .certificate = "", .key = "", .peer_name = "127.0.0.1"}};
}

LinkPair make_links(const std::string& kind) {
  if (kind == "memory") {
    auto [client, server] = memory_link_pair();
    return {std::move(client), std::move(server)};
  }
  const TemporaryDirectory directory;
  const TlsPair tls = kind == "tls" ? make_tls() : TlsPair();
  auto listener =
      listen(kind == "unix" ? "unix:" + (directory.path() / "s").string() : kind + ":127.0.0.1:0",
             tls.server);
  EXPECT_TRUE(listener.ok()) << listener.status().to_string();
  LinkPair pair;
  // The first frame makes both ends work on a TLS handshake.
  const std::string address = (*listener)->address();
  std::thread connecting([&] {
    auto link = connect(address, in_ms(10000), tls.client);
    EXPECT_TRUE(link.ok()) << link.status().to_string();
    if (!link.ok()) return;
    pair.client = *std::move(link);
    EXPECT_TRUE(send_text(pair.client.get(), "first").ok());
  });
  auto accepted = (*listener)->accept(in_ms(10000), {});
  EXPECT_TRUE(accepted.ok()) << accepted.status().to_string();
  if (accepted.ok()) {
    pair.server = *std::move(accepted);
    EXPECT_EQ(receive_text(pair.server.get()), "first");
  }
  connecting.join();
  return pair;
}

Status send_text(Link* link, std::string_view text) {
  return link->send(std::array{text}, std::chrono::seconds(10));
}

std::string receive_text(Link* link) {
  auto frame = link->receive(in_ms(10000), {});
  EXPECT_TRUE(frame.ok()) << frame.status().to_string();
  return frame.ok() ? *std::move(frame) : "";
}

}  // namespace moai::comm
