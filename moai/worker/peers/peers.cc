#include "moai/worker/peers/peers.h"

#include <algorithm>
#include <utility>

#include "moai/identity/digest.h"
#include "moai/identity/token.h"

namespace moai::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kLook{100};
constexpr milliseconds kJoinStall{2000};

std::string name_of(uint32_t rank, uint32_t ranks) {
  return "rank " + std::to_string(rank) + " of " + std::to_string(ranks);
}

Status answer_of(comm::Link* link, uint32_t rank, comm::Deadline deadline,
                 const comm::Interrupt& interrupt) {
  MOAI_ASSIGN_OR_RETURN(const std::string frame, link->receive(deadline, interrupt));
  MOAI_ASSIGN_OR_RETURN(const dispatch::Message message, dispatch::decode(frame));
  if (const auto* refused = std::get_if<dispatch::Refused>(&message)) {
    return Status(refused->code, refused->text);
  }
  const auto* joined = std::get_if<dispatch::Joined>(&message);
  if (!joined) return internal_error("[worker.peers] it did not answer the greeting");
  if (joined->rank == rank) return ok_status();
  return internal_error("[worker.peers] rank " + std::to_string(joined->rank) + " listens there");
}

}  // namespace

Peers::Peers(const Identity* identity, std::string address, std::string ca)
    : identity_(*identity), address_(std::move(address)), ca_(std::move(ca)) {}

Status Peers::introduce(std::vector<identity::Peer> peers) {
  if (peers.size() != ranks()) {
    return invalid_argument("[worker.peers] told of " + std::to_string(peers.size()) +
                            " Workers, the lease has " + std::to_string(ranks()));
  }
  if (peers[rank()].address != address_) {
    return invalid_argument("[worker.peers] told that rank " + std::to_string(rank()) + " is at " +
                            peers[rank()].address + ", which is " + address_);
  }
  const std::lock_guard lock(mutex_);
  if (known_) return failed_precondition("[worker.peers] told of the Workers twice");
  known_ = std::move(peers);
  changed_.notify_all();
  return ok_status();
}

void Peers::end(const Status& why) {
  const std::lock_guard lock(mutex_);
  if (end_.ok()) end_ = why;
  for (auto& [rank, came] : joined_) came.clear();
  changed_.notify_all();
}

std::string Peers::name() const {
  return identity::digest_hex(identity::derive_secret(identity_.group_secret, "name"))
      .substr(0, 32);
}

Status Peers::wait(std::unique_lock<std::mutex>& lock, comm::Deadline deadline,
                   const comm::Interrupt& interrupt, const std::function<bool()>& done) {
  while (end_.ok() && !done()) {
    const auto now = steady_clock::now();
    if (now >= deadline) return deadline_exceeded("[worker.peers] it did not come in time");
    changed_.wait_until(lock, std::min(deadline, now + kLook));
    if (!interrupt) continue;
    lock.unlock();
    const Status said = interrupt();
    lock.lock();
    MOAI_RETURN_IF_ERROR(said);
  }
  return end_;
}

Result<std::vector<identity::Peer>> Peers::all(comm::Deadline deadline,
                                               const comm::Interrupt& interrupt) {
  std::unique_lock lock(mutex_);
  MOAI_RETURN_IF_ERROR(wait(lock, deadline, interrupt, [this] { return known_.has_value(); }));
  return *known_;
}

Result<std::unique_ptr<comm::Link>> Peers::connect(uint32_t rank, uint64_t group,
                                                   const std::string& address,
                                                   comm::Deadline deadline,
                                                   const comm::Interrupt& interrupt) const {
  const comm::TlsOptions tls{.ca = ca_, .certificate = {}, .key = {}, .peer_name = {}};
  MOAI_ASSIGN_OR_RETURN(auto link, comm::connect(address, deadline, tls));
  std::string frame;
  dispatch::encode(dispatch::Join{.secret = identity_.group_secret,
                                  .epoch = identity_.epoch,
                                  .rank = identity_.rank,
                                  .group = group},
                   &frame);
  const std::string_view part = frame;
  MOAI_RETURN_IF_ERROR(link->send({&part, 1}, kJoinStall));
  MOAI_RETURN_IF_ERROR(answer_of(link.get(), rank, deadline, interrupt));
  return link;
}

Result<std::unique_ptr<comm::Link>> Peers::link(uint32_t rank, uint64_t group,
                                                comm::Deadline deadline,
                                                const comm::Interrupt& interrupt) {
  if (rank == this->rank() || rank >= ranks()) {
    return invalid_argument("[worker.peers] no link leads from rank " +
                            std::to_string(this->rank()) + " to " + name_of(rank, ranks()));
  }
  MOAI_ASSIGN_OR_RETURN(const auto peers, all(deadline, interrupt));
  const auto explained = [&](const Status& status) {
    return Status(status.code(), "[worker.peers] no link to " + name_of(rank, ranks()) + " at " +
                                     peers[rank].address + ": " + status.message());
  };
  if (rank < this->rank()) {
    auto link = connect(rank, group, peers[rank].address, deadline, interrupt);
    if (!link.ok()) return explained(link.status());
    return link;
  }
  std::unique_lock lock(mutex_);
  std::vector<Joined>& came = joined_[rank];
  const Status status =
      wait(lock, deadline, interrupt, [&] { return place_of(rank, group) < came.size(); });
  if (!status.ok()) return explained(status);
  const size_t place = place_of(rank, group);
  auto link = std::move(came[place].link);
  came.erase(came.begin(), came.begin() + static_cast<ptrdiff_t>(place) + 1);
  return link;
}

size_t Peers::place_of(uint32_t rank, uint64_t group) const {
  const auto came = joined_.find(rank);
  if (came == joined_.end()) return 0;
  const auto found = std::ranges::find(came->second, group, &Joined::group);
  return static_cast<size_t>(found - came->second.begin());
}

Result<std::vector<std::unique_ptr<comm::Link>>> Peers::links(uint64_t group,
                                                              comm::Deadline deadline,
                                                              const comm::Interrupt& interrupt) {
  std::vector<std::unique_ptr<comm::Link>> links(ranks());
  for (uint32_t to = 0; to < ranks(); ++to) {
    if (to == rank()) continue;
    MOAI_ASSIGN_OR_RETURN(links[to], link(to, group, deadline, interrupt));
  }
  return links;
}

void Peers::joined(uint32_t rank, uint64_t group, std::unique_ptr<comm::Link> link) {
  const std::lock_guard lock(mutex_);
  if (!end_.ok()) return;
  std::vector<Joined>& came = joined_[rank];
  std::erase_if(came, [&](const Joined& joined) { return joined.group == group; });
  came.push_back({group, std::move(link)});
  changed_.notify_all();
}

}  // namespace moai::worker
