#include "moai/control/master.h"

#include <algorithm>
#include <chrono>
#include <future>

#include "moai/base/log.h"
#include "moai/control/lifecycle/accelerators.h"
#include "moai/control/lifecycle/leases.h"
#include "moai/control/scheduler/cycle.h"
#include "moai/control/services/agents.h"
#include "moai/control/services/calls.h"
#include "moai/control/services/sessions.h"
#include "moai/identity/token.h"

namespace moai::control {
namespace {

constexpr size_t kWorkQueueMax = 200000;
constexpr size_t kBatchMax = 1024;
constexpr std::chrono::milliseconds kTick{100};
constexpr int64_t kBeatNs = 500 * kNsPerMs;
constexpr int64_t kStallNs = 500 * kNsPerMs;  // more than this between two looks is not watching
constexpr int64_t kLazyCommitNs = 1000 * kNsPerMs;
constexpr int64_t kCommitRetryNs = 500 * kNsPerMs;
constexpr int64_t kOperationLifeNs = int64_t{24} * 3600 * 1000 * kNsPerMs;

int64_t steady_now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }
int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

template <class Request>
std::string operation_key(const Access& access, const char* name, const Request& request) {
  if constexpr (requires { request.operation_id(); }) {
    if (!request.operation_id().empty())
      return access.actor + "|" + name + "|" + request.operation_id();
  }
  return {};
}

// Who only looks on does not keep a platform from its idle end. Asking for the server is what a
// script does before it opens its session.
template <class Request>
bool is_use(const Request& request) {
  if constexpr (requires { request.observe(); }) return !request.observe();
  return requires { request.operation_id(); };
}

// An outcome as the store may keep it.
template <class Response>
Blob without_secret(Response response) {
  if constexpr (requires { response.clear_secret(); }) response.clear_secret();
  return Blob{response.SerializeAsString()};
}

template <class Response>
Result<Response> repeat(const OperationRow& done) {
  Response response;
  if (!response.ParseFromString(done.response.bytes))
    return data_loss("[control.master] a stored outcome cannot be read");
  if constexpr (requires { response.secret(); }) {
    if (response.secret().empty())
      return already_exists("This call has created token " + std::to_string(response.id()) +
                            " before SDAManager was restarted; its secret was not stored. Revoke "
                            "that token and create another.");
  }
  return response;
}

// A mutating call: repeats the first outcome for an operation id seen before.
template <class Request, class Response>
Result<Response> answer(Site& site, const rpc::Caller& caller, const char* name,
                        const Request& request,
                        Result<Response> (*service)(Site&, const Access&, const Request&)) {
  MOAI_ASSIGN_OR_RETURN(const Access access, authorize(site, caller));
  const std::string key = operation_key(access, name, request);
  if (const OperationRow* done = key.empty() ? nullptr : site.ledger.operation(key))
    return repeat<Response>(*done);
  constexpr bool kMutates = requires { request.operation_id(); };
  if (kMutates && !site.ledger.failure().ok()) return site.ledger.failure();
  Result<Response> result = service(site, access, request);
  if (result.ok() && !key.empty())
    site.ledger.put(OperationRow{site.ledger.next(Counter::kOperation), key,
                                 Blob{result->SerializeAsString()}, site.now_ns},
                    without_secret(*result));
  return result;
}

template <class Connection, class Up>
class StreamReceiver final : public rpc::Receiver<Up> {
 public:
  using Received = void (*)(Site&, const std::shared_ptr<Connection>&, const Up&);
  using Closed = void (*)(Site&, const std::shared_ptr<Connection>&, bool);
  StreamReceiver(Master* master, std::shared_ptr<Connection> connection, Received received,
                 Closed closed)
      : master_(master), connection_(std::move(connection)), received_(received), closed_(closed) {}

  void received(Up up) override {
    const Status posted = master_->post(
        [c = connection_, f = received_, m = std::move(up)](Site& site) { f(site, c, m); });
    if (!posted.ok()) connection_->sender->finish(posted);
  }
  void closed(bool clean) override {
    master_->post([c = connection_, f = closed_, clean](Site& site) { f(site, c, clean); })
        .ignore("a master that stops forgets its connections");
  }

 private:
  Master* master_;                          // outlives the server, and so this
  std::shared_ptr<Connection> connection_;  // shared with the site
  Received received_;
  Closed closed_;
};

}  // namespace

Master::Master(Options options, std::unique_ptr<Store> store)
    : store_(std::move(store)),
      site_(std::move(options), store_.get()),
      watched_ns_(steady_now()),
      active_ns_(watched_ns_) {}

Result<std::unique_ptr<Master>> Master::start(Options options, std::unique_ptr<Store> store) {
  std::unique_ptr<Master> master(new Master(std::move(options), std::move(store)));
  Site& site = master->site_;
  MOAI_RETURN_IF_ERROR(master->store_->prune_operations(unix_now() - kOperationLifeNs));
  MOAI_RETURN_IF_ERROR(site.ledger.load());
  master->set_time(false);
  site.started_ns = site.now_ns;
  site.started_steady_ns = site.steady_ns;
  for (const auto& [id, lease] : site.ledger.leases())
    if (is_held(lease.state)) site.recovered.insert(id);
  seed_flavors(site);
  site.ledger.add_event(site.now_ns, "master.started", "master", "master", site.options.version);
  MOAI_RETURN_IF_ERROR(site.ledger.commit());
  master->thread_ = std::thread([m = master.get()] { m->loop(); });
  return master;
}

Master::~Master() { stop(); }

void Master::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Status Master::post(Work work) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return unavailable("SDAManager is shutting down.");
    if (queue_.size() >= kWorkQueueMax)
      return resource_exhausted("SDAManager is overloaded; try again in 5 s.");
    queue_.push_back(std::move(work));
  }
  wake_.notify_one();
  return ok_status();
}

Status Master::run(Work work) {
  auto done = std::make_shared<std::promise<Status>>();  // shared with the owner thread
  std::future<Status> result = done->get_future();
  MOAI_RETURN_IF_ERROR(post([this, work = std::move(work), done](Site& site) {
    work(site);
    replies_.push_back([done](const Status& committed) { done->set_value(committed); });
  }));
  if (result.wait_for(std::chrono::seconds(30)) != std::future_status::ready)
    return deadline_exceeded("[control.master] the owner thread did not answer");
  return result.get();
}

Status Master::ensure_bootstrap_token(const std::string& secret) {
  return run([secret](Site& site) {
    if (site.ledger.token_by_hash(identity::hash_token(secret))) return;
    TokenRow row;
    row.description = "local";
    row.admin = true;
    row.accelerators_max = 0;
    make_token_row(site, secret, std::move(row), "master");
  });
}

std::chrono::milliseconds Master::idle_for() const {
  return std::chrono::milliseconds((steady_now() - active_ns_) / kNsPerMs);
}

template <class Request, class Response>
void Master::call(const rpc::Caller& caller, const char* name, const Request& request,
                  rpc::Reply<Response> reply,
                  Result<Response> (*service)(Site&, const Access&, const Request&)) {
  if (is_use(request)) active_ns_ = steady_now();
  const Status posted = post([=, this](Site& site) {
    const uint64_t before = site.ledger.urgent_changes();
    Result<Response> result = answer(site, caller, name, request, service);
    const bool changed = site.ledger.urgent_changes() != before;
    replies_.push_back([reply, changed, result = std::move(result)](const Status& committed) {
      reply(changed && !committed.ok() ? Result<Response>(committed) : result);
    });
  });
  if (!posted.ok()) reply(posted);
}

#define MOAI_MASTER_CALL(Name, function, Request, Response)                       \
  void Master::function(const rpc::Caller& caller, const v1::Request& request,    \
                        rpc::Reply<v1::Response> reply) {                         \
    call<v1::Request, v1::Response>(caller, #function, request, std::move(reply), \
                                    &control::function);                          \
  }
MOAI_CORE_CALLS(MOAI_MASTER_CALL)
#undef MOAI_MASTER_CALL

std::shared_ptr<rpc::Receiver<v1::SessionUp>> Master::attach(const rpc::Caller& caller,
                                                             SessionSender sender) {
  active_ns_ = steady_now();
  auto connection = std::make_shared<SessionConnection>();
  connection->caller = caller;
  connection->sender = std::move(sender);
  return std::make_shared<StreamReceiver<SessionConnection, v1::SessionUp>>(
      this, connection, session_received, session_closed);
}

std::shared_ptr<rpc::Receiver<v1::AgentUp>> Master::attend(const rpc::Caller& caller,
                                                           AgentSender sender) {
  auto connection = std::make_shared<AgentConnection>();
  connection->caller = caller;
  connection->sender = std::move(sender);
  return std::make_shared<StreamReceiver<AgentConnection, v1::AgentUp>>(
      this, connection, agent_received,
      [](Site& site, const std::shared_ptr<AgentConnection>& c, bool) { agent_closed(site, c); });
}

// ---- the owner thread

std::deque<Master::Work> Master::next_batch() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, kTick, [&] { return stopping_ || !queue_.empty(); });
  std::deque<Work> batch;
  while (!queue_.empty() && batch.size() < kBatchMax) {
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return batch;
}

void Master::loop() {
  while (true) {
    std::deque<Work> batch = next_batch();
    set_time(batch.size() == kBatchMax);
    for (Work& work : batch) work(site_);
    tick_if_due();
    run_cycle(site_);
    send(commit());
    std::lock_guard lock(mutex_);
    if (stopping_ && queue_.empty()) break;
  }
  const Status last = site_.ledger.commit();
  if (!last.ok()) log_error("SDAManager ends with changes not written: " + last.to_string());
}

void Master::set_time(bool behind) {
  const int64_t now = steady_now();
  site_.now_ns = unix_now();
  if (!behind) site_.steady_ns += std::clamp<int64_t>(now - watched_ns_, 0, kStallNs);
  watched_ns_ = now;
  if (!site_.ledger.sessions().empty()) active_ns_ = now;
  site_.idle_ns = std::max<int64_t>(now - active_ns_, 0);
}

void Master::tick_if_due() {
  if (watched_ns_ - ticked_ns_ < kBeatNs) return;
  ticked_ns_ = watched_ns_;
  tick_sessions(site_);
  tick_agents(site_);
  expire_starting(site_);
  end_lost_links(site_);
}

Status Master::commit() {
  Ledger& ledger = site_.ledger;
  const int64_t since = watched_ns_ - committed_ns_;
  const bool due =
      ledger.failure().ok() ? ledger.urgent() || since > kLazyCommitNs : since > kCommitRetryNs;
  if (!due) return ledger.failure();
  committed_ns_ = watched_ns_;
  const bool failed_before = !ledger.failure().ok();
  Status status = ledger.commit();
  if (!status.ok() && !failed_before)
    log_error("SDAManager's database cannot be written: " + status.to_string());
  if (status.ok() && failed_before) log_info("SDAManager's database can be written again");
  return status;
}

void Master::send(const Status& committed) {
  for (const auto& reply : replies_) reply(committed);
  replies_.clear();
  for (const auto& message : site_.prompt) message();
  site_.prompt.clear();
  if (!committed.ok()) return;
  for (const auto& message : site_.outbox) message();
  site_.outbox.clear();
}

}  // namespace moai::control
