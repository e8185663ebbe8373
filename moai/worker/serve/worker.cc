#include "moai/worker/serve/worker.h"

#include <thread>

#include "moai/base/log.h"

namespace moai::worker {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kAcceptEvery{1000};
constexpr milliseconds kAfterAcceptFailed{100};
constexpr milliseconds kWelcomeStall{2000};

Status send_message(comm::Link* link, const dispatch::Message& message) {
  std::string frame;
  dispatch::encode(message, &frame);
  const std::string_view parts[] = {frame};
  return link->send(parts, kWelcomeStall);
}

Result<dispatch::Message> receive_greeting(comm::Link* link, milliseconds within) {
  MOAI_ASSIGN_OR_RETURN(std::string frame, link->receive(steady_clock::now() + within, {}));
  MOAI_ASSIGN_OR_RETURN(dispatch::Message message, dispatch::decode(frame));
  const bool greets = std::holds_alternative<dispatch::Hello>(message) ||
                      std::holds_alternative<dispatch::Join>(message);
  if (greets) return message;
  return invalid_argument("[worker.hello] the first message is no greeting");
}

void refuse(comm::Link* link, const std::string& who, const Status& why) {
  log_warning(who + " at " + link->peer() + " is refused: " + why.message());
  send_message(link, dispatch::Refused{.code = why.code(), .text = why.message()})
      .ignore("the peer is dropped either way");
}

}  // namespace

Worker::Worker(WorkerOptions options, std::unique_ptr<comm::Listener> listener,
               device::Device* device)
    : options_(std::move(options)),
      listener_(std::move(listener)),
      device_(*device),
      peers_(&options_.identity, listener_->address(), options_.ca) {}

// Takes an admitted link unless another front is here.
Status Worker::take(std::unique_ptr<comm::Link>* link, const std::string& client) {
  std::lock_guard lock(mutex_);
  if (waiting_ || (current_ && !current_->ended())) {
    return resource_exhausted("[worker.hello] another front is connected: " + client_);
  }
  if (stopped_) return unavailable("[worker.hello] this Worker is ending");
  MOAI_RETURN_IF_ERROR(send_message(link->get(), welcome(options_.identity)));
  log_info("serving " + client + " at " + (*link)->peer());
  waiting_ = std::move(*link);
  client_ = client;
  changed_.notify_all();
  return ok_status();
}

void Worker::admit_peer(std::unique_ptr<comm::Link> link) {
  const auto greeting = receive_greeting(link.get(), options_.hello_max);
  if (!greeting.ok()) {
    log_warning("peer " + link->peer() + " is dropped: " + greeting.status().message());
  } else if (const auto* join = std::get_if<dispatch::Join>(&*greeting)) {
    admit_worker(std::move(link), *join);
  } else {
    admit_front(std::move(link), std::get<dispatch::Hello>(*greeting));
  }
}

void Worker::admit_front(std::unique_ptr<comm::Link> link, const dispatch::Hello& hello) {
  Status status = admit(hello, options_.identity);
  if (status.ok()) status = take(&link, hello.client);
  if (!status.ok()) refuse(link.get(), "front " + hello.client, status);
}

void Worker::admit_worker(std::unique_ptr<comm::Link> link, const dispatch::Join& join) {
  Status status = admit(join, options_.identity);
  if (status.ok()) {
    status = send_message(link.get(), dispatch::Joined{.rank = options_.identity.rank});
  }
  if (!status.ok()) return refuse(link.get(), "rank " + std::to_string(join.rank), status);
  peers_.joined(join.rank, join.group, std::move(link));
}

void Worker::accept_all() {
  const auto interrupt = [this] {
    std::lock_guard lock(mutex_);
    return stopped_ ? cancelled("[worker.serve] stopped") : ok_status();
  };
  while (interrupt().ok()) {
    auto link = listener_->accept(steady_clock::now() + kAcceptEvery, interrupt);
    if (link.ok()) {
      admit_peer(std::move(*link));
    } else if (link.status().code() != Code::kDeadlineExceeded &&
               link.status().code() != Code::kCancelled) {
      log_error("cannot accept: " + link.status().message());
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kAfterAcceptFailed, [this] { return stopped_; });
    }
  }
}

// The connection whose turn it is; null after stop().
std::shared_ptr<Connection> Worker::next() {
  std::unique_lock lock(mutex_);
  current_.reset();
  while (!stopped_ && !waiting_) changed_.wait_for(lock, kAcceptEvery);
  if (stopped_) return nullptr;
  ConnectionOptions options = options_.connection;
  options.credit_bytes = options_.identity.credit_bytes;
  options.peers = &peers_;
  current_ = std::make_shared<Connection>(std::move(waiting_), &device_, options);
  return current_;
}

void Worker::run() {
  std::thread acceptor([this] { accept_all(); });
  while (auto connection = next()) {
    connection->run();
    log_info("the front has left; its storages are dropped");
  }
  listener_->close();
  acceptor.join();
}

void Worker::stop(const std::string& why) {
  std::shared_ptr<Connection> current;
  std::unique_ptr<comm::Link> waiting;
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    current = current_;
    waiting = std::move(waiting_);
  }
  changed_.notify_all();
  peers_.end(unavailable("[worker.peers] " + why));
  if (current) current->end(Code::kUnavailable, why);
  if (waiting) {
    send_message(waiting.get(), dispatch::Ending{.code = Code::kUnavailable, .text = why})
        .ignore("the Worker ends either way");
  }
  listener_->close();
}

}  // namespace moai::worker
