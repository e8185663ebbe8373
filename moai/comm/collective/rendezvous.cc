#include "moai/comm/collective/rendezvous.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "moai/base/log.h"
#include "moai/comm/collective/frame.h"
#include "moai/identity/token.h"

namespace moai::comm {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kGreetWithin{2000};  // a stranger may connect and say nothing
constexpr milliseconds kConnectEvery{20};

std::string missing(const std::vector<std::unique_ptr<Link>>& links, int rank) {
  std::string text;
  for (size_t r = static_cast<size_t>(rank) + 1; r < links.size(); ++r) {
    if (!links[r]) text += (text.empty() ? "" : ", ") + std::to_string(r);
  }
  return text;
}

Result<std::unique_ptr<Link>> reach(const std::string& address, int peer, Deadline deadline,
                                    const TlsOptions& tls) {
  while (true) {
    auto link = connect(address, deadline, tls);
    if (link.ok() || link.status().code() != Code::kUnavailable) return link;
    if (steady_clock::now() + kConnectEvery >= deadline) {
      return unavailable("[comm.collective] rank " + std::to_string(peer) +
                         " cannot be reached at " + address + ": " + link.status().message());
    }
    std::this_thread::sleep_for(kConnectEvery);
  }
}

// The rank that greets over `link`, or why it is sent away.
Result<size_t> greeted(Link* link, std::string_view secret, Deadline deadline) {
  const Deadline soon = std::min(deadline, steady_clock::now() + kGreetWithin);
  MOAI_ASSIGN_OR_RETURN(const std::string frame, link->receive(soon, {}));
  const auto greeting = decode_greeting(frame);
  if (!greeting) return data_loss("[comm.collective] no greeting of a rank");
  if (!identity::equal_constant_time(greeting->secret, secret)) {
    return unauthenticated("[comm.collective] a greeting with another secret");
  }
  return static_cast<size_t>(greeting->rank);
}

}  // namespace

Result<std::vector<std::unique_ptr<Link>>> link_ranks(Listener* listener,
                                                      std::span<const std::string> addresses,
                                                      int rank, std::string_view secret,
                                                      Deadline deadline, const TlsOptions& tls) {
  std::vector<std::unique_ptr<Link>> links(addresses.size());
  const auto own = static_cast<size_t>(rank);
  const std::string greeting =
      encode(Greeting{.secret = std::string(secret), .rank = static_cast<uint64_t>(rank)});
  for (size_t peer = 0; peer < own; ++peer) {
    MOAI_ASSIGN_OR_RETURN(links[peer],
                          reach(addresses[peer], static_cast<int>(peer), deadline, tls));
    MOAI_RETURN_IF_ERROR(links[peer]->send(std::array{std::string_view(greeting)}, kGreetWithin));
  }
  for (size_t left = addresses.size() - own - 1; left > 0;) {
    auto link = listener->accept(deadline, {});
    if (link.status().code() == Code::kDeadlineExceeded) {
      return deadline_exceeded("[comm.collective] rank " + std::to_string(rank) +
                               " still waits for rank " + missing(links, rank) + " to connect to " +
                               listener->address());
    }
    if (!link.ok()) return link.status();
    const auto peer = greeted(link->get(), secret, deadline);
    if (!peer.ok() || *peer <= own || *peer >= links.size() || links[*peer]) {
      log_warning("Sent away " + (*link)->peer() + ", which is not a rank of this job: " +
                  (peer.ok() ? "rank " + std::to_string(*peer) : peer.status().message()));
      continue;
    }
    links[*peer] = *std::move(link);
    --left;
  }
  return links;
}

}  // namespace moai::comm
