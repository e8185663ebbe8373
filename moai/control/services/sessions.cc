#include "moai/control/services/sessions.h"

#include "moai/control/lifecycle/accelerators.h"
#include "moai/control/lifecycle/leases.h"
#include "moai/control/services/access.h"
#include "moai/identity/token.h"

namespace moai::control {
namespace {

using Connection = std::shared_ptr<SessionConnection>;

std::string session_name(uint64_t id) { return "session/" + std::to_string(id); }

void say_opened(Site& site, const SessionRow& session, const std::string& resume) {
  v1::SessionDown down;
  v1::Opened* opened = down.mutable_opened();
  opened->set_session_id(session.id);
  opened->set_resume(resume);
  opened->set_server_version(site.options.version);
  opened->set_latest_version(site.options.version);
  opened->set_heartbeat_ms(site.options.heartbeat_ms);
  opened->set_device_name(site.options.device_name);
  const AcceleratorRow* accelerator = site.ledger.accelerator(session.accelerator_id);
  const uint64_t flavor_id = session.flavor_id ? session.flavor_id
                             : accelerator     ? accelerator->flavor_id
                                               : 0;
  if (const FlavorRow* flavor = site.ledger.flavor(flavor_id)) {
    opened->set_memory_bytes(site.device_memory(*flavor));
    opened->set_devices(flavor->devices);
  }
  site.tell(session.id, std::move(down));
}

LiveSession live_session(const Site& site, const Connection& connection, const v1::Open& open) {
  LiveSession live;
  live.connection = connection;
  live.heard_ns = site.steady_ns;
  live.ancestors.insert(open.ancestors().begin(), open.ancestors().end());
  return live;
}

Result<uint64_t> accelerator_for(Site& site, const Access& access, const v1::Open& open) {
  if (open.own_accelerator() && open.device().empty())
    return own_accelerator(site, access.token_id, 0);
  uint32_t number = site.ledger.token(access.token_id)->default_accelerator;
  if (!open.device().empty()) {
    if (open.device().find_first_not_of("0123456789") != std::string::npos ||
        open.device().size() > 6)
      return invalid_argument("\"" + open.device() +
                              "\" is not the number of an accelerator; see \"moreh-smi\".");
    number = static_cast<uint32_t>(std::stoul(open.device()));
  }
  if (const AcceleratorRow* row = find_accelerator(site, access.token_id, number)) return row->id;
  return not_found("This token has no accelerator " + std::to_string(number) +
                   "; see \"moreh-smi\".");
}

Status accept_more(const Site& site) {
  if (!site.ledger.failure().ok())
    return unavailable("SDAManager cannot write its database at the moment: " +
                       site.ledger.failure().message());
  if (site.ledger.sessions().size() >= site.options.sessions_max)
    return resource_exhausted("The server has " + std::to_string(site.options.sessions_max) +
                              " sessions, which is its limit; try again in 5 s.");
  return ok_status();
}

Status open_new(Site& site, const Connection& connection, const Access& access,
                const v1::Open& open) {
  MOAI_RETURN_IF_ERROR(accept_more(site));
  SessionRow session;
  if (!open.flavor().empty()) {
    MOAI_ASSIGN_OR_RETURN(session.flavor_id, find_flavor(site, open.flavor()));
  }
  MOAI_ASSIGN_OR_RETURN(session.accelerator_id, accelerator_for(site, access, open));
  const std::string resume = identity::make_token();
  session.id = site.ledger.next(Counter::kSession);
  session.job_id = site.ledger.next(Counter::kJob);
  session.token_id = access.token_id;
  session.own_accelerator = open.own_accelerator() && open.device().empty();
  session.resume_hash.bytes = identity::hash_token(resume);
  session.process = {open.pid(), open.command(), open.hostname(), open.user(), open.framework()};
  session.opened_ns = site.now_ns;
  site.ledger.put(session);
  site.ledger.add_event(site.now_ns, "session.opened", session_name(session.id), access.actor,
                        open.hostname() + " " + open.command());
  connection->session_id = session.id;
  site.sessions[session.id] = live_session(site, connection, open);
  say_opened(site, session, resume);
  return ok_status();
}

Status resume_old(Site& site, const Connection& connection, const Access& access,
                  const v1::Open& open) {
  const SessionRow* session = site.ledger.session_by_resume(identity::hash_token(open.resume()));
  if (!session || session->token_id != access.token_id)
    return not_found("The session to be resumed is over.");
  LiveSession& live = site.sessions[session->id];
  if (live.connection && live.connection != connection)
    site.finish(live.connection, aborted("Another holder continues this session."));
  connection->session_id = session->id;
  live = live_session(site, connection, open);
  site.ledger.add_event(site.now_ns, "session.resumed", session_name(session->id), access.actor,
                        "");
  say_opened(site, *session, open.resume());
  if (auto missed = site.missed_endings.extract(session->id); !missed.empty())
    site.tell(session->id, std::move(missed.mapped()));
  const LeaseRow* lease = site.ledger.lease_of_session(session->id);
  if (lease && lease->state == LeaseState::kActive) tell_granted(site, *lease);
  site.schedule_wanted = true;  // a waiting one is told its reason again
  return ok_status();
}

Status open(Site& site, const Connection& connection, const v1::Open& open) {
  MOAI_ASSIGN_OR_RETURN(const Access access, authorize(site, connection->caller));
  MOAI_RETURN_IF_ERROR(require_token(access));
  MOAI_RETURN_IF_ERROR(check_version(site, open.client_version()));
  return open.resume().empty() ? open_new(site, connection, access, open)
                               : resume_old(site, connection, access, open);
}

void acquire(Site& site, uint64_t session_id) {
  const SessionRow& session = *site.ledger.session(session_id);
  if (const LeaseRow* lease = site.ledger.lease_of_session(session_id)) {
    if (lease->state == LeaseState::kActive) tell_granted(site, *lease);
    return;
  }
  if (site.ledger.queue().size() >= site.options.queue_max) {
    v1::SessionDown down;
    down.mutable_ended()->set_code(static_cast<int32_t>(Code::kResourceExhausted));
    down.mutable_ended()->set_cause("queue_full");
    down.mutable_ended()->set_text("The server has " + std::to_string(site.options.queue_max) +
                                   " waiting requests, which is its limit; try again in 5 s.");
    site.tell(session_id, std::move(down));
    return;
  }
  request_lease(site, session);
}

void give_back(Site& site, uint64_t session_id, const std::string& cause) {
  if (const LeaseRow* lease = site.ledger.lease_of_session(session_id))
    end_lease(site, lease->id,
              {LeaseState::kReleasing, cause, "", session_name(session_id), Code::kOk});
}

void forget(Site& site, uint64_t session_id, const std::string& cause) {
  const SessionRow* session = site.ledger.session(session_id);
  if (!session) return;
  const uint64_t accelerator_id = session->accelerator_id;
  site.ledger.add_event(site.now_ns, "session.ended", session_name(session_id), "session", cause);
  site.ledger.drop_session(session_id);
  site.sessions.erase(session_id);
  site.missed_endings.erase(session_id);
  drop_if_unneeded(site, accelerator_id);
  site.schedule_wanted = true;
}

}  // namespace

void session_received(Site& site, const Connection& connection, const v1::SessionUp& up) {
  if (connection->session_id == 0) {
    const Status status = up.has_open()
                              ? open(site, connection, up.open())
                              : failed_precondition("The first message of a session must be Open.");
    if (!status.ok()) site.refuse(connection, status);
    return;
  }
  const auto it = site.sessions.find(connection->session_id);
  if (it == site.sessions.end() || it->second.connection != connection) return;
  it->second.heard_ns = site.steady_ns;
  const uint64_t id = connection->session_id;
  if (up.has_acquire()) acquire(site, id);
  if (up.has_give_back()) give_back(site, id, "given_back");
  if (const LeaseRow* lease = site.ledger.lease_of_session(id); lease && up.has_link_lost())
    link_lost(site, lease->id, up.link_lost().address(), up.link_lost().text());
  if (up.has_close()) {
    end_session(site, id, "process_ended", ok_status());
  }
}

void session_closed(Site& site, const Connection& connection, bool clean) {
  const auto it = site.sessions.find(connection->session_id);
  if (it == site.sessions.end() || it->second.connection != connection) return;
  it->second.connection = nullptr;
  if (clean) end_session(site, connection->session_id, "process_ended", ok_status());
}

void end_session(Site& site, uint64_t session_id, const std::string& cause, const Status& status) {
  const bool by_itself = cause == "process_ended";
  if (const LeaseRow* lease = site.ledger.lease_of_session(session_id))
    end_lease(site, lease->id,
              {by_itself ? LeaseState::kReleasing : LeaseState::kRevoking, cause, "",
               by_itself ? session_name(session_id) : "scheduler", Code::kOk});
  if (const auto it = site.sessions.find(session_id);
      it != site.sessions.end() && it->second.connection)
    site.finish(it->second.connection, status);
  forget(site, session_id, cause);
}

void tick_sessions(Site& site) {
  const int64_t silence = site.options.silence_ms * kNsPerMs;
  const bool restart_grace =
      site.steady_ns - site.started_steady_ns < site.options.restart_grace_ms * kNsPerMs;
  std::vector<uint64_t> silent;
  for (const auto& [id, row] : site.ledger.sessions()) {
    const auto it = site.sessions.find(id);
    const bool known = it != site.sessions.end();  // else it is a former master's
    if (!known && restart_grace) continue;
    if (!known || site.steady_ns - it->second.heard_ns > silence) silent.push_back(id);
  }
  for (const uint64_t id : silent)
    end_session(site, id, "session_lost",
                deadline_exceeded("The server heard nothing of this session for " +
                                  std::to_string(site.options.silence_ms / 1000) + " s."));
  v1::SessionDown beat;
  beat.mutable_heartbeat();
  for (const auto& [id, live] : site.sessions)
    if (live.connection) site.beat(live.connection, beat);
}

}  // namespace moai::control
