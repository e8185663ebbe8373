#include "moai/control/scheduler/cycle.h"

#include "moai/control/lifecycle/accelerators.h"
#include "moai/control/lifecycle/leases.h"
#include "moai/control/scheduler/reason.h"

namespace moai::control {
namespace {

// Sessions that take any accelerator of their token move to one that came free.
void move_to_free_accelerators(Site& site) {
  std::vector<uint64_t> waiting;
  for (const Ledger::QueueKey& key : site.ledger.queue()) {
    const SessionRow* session = site.ledger.session(site.ledger.lease(key.lease_id)->session_id);
    if (session && session->own_accelerator) waiting.push_back(key.lease_id);
  }
  for (const uint64_t lease_id : waiting) {
    LeaseRow lease = *site.ledger.lease(lease_id);
    SessionRow session = *site.ledger.session(lease.session_id);
    const uint64_t better = own_accelerator(site, session.token_id, session.id);
    if (better == session.accelerator_id) continue;
    const uint64_t former = session.accelerator_id;
    session.accelerator_id = lease.accelerator_id = better;
    lease.accelerator = site.ledger.accelerator(better)->number;
    site.ledger.put(session);
    site.ledger.put(lease);
    drop_if_unneeded(site, former);
  }
}

ReasonFacts facts_of(const Site& site, const LeaseRow& lease, const Decision& decision) {
  ReasonFacts facts;
  facts.device_name = site.options.device_name;
  facts.flavor = lease.flavor;
  facts.flavor_devices = lease.devices;
  if (const TokenRow* token = site.ledger.token(lease.token_id);
      token && token->default_accelerator != lease.accelerator)
    facts.accelerator = lease.accelerator;
  if (const LeaseRow* holder = site.ledger.lease(decision.holder)) {
    facts.holder_pid = holder->process.pid;
    facts.holder_command = holder->process.command;
  }
  if (const TokenRow* token = site.ledger.token(lease.token_id))
    facts.devices_max = token->devices_max;
  return facts;
}

// A process that waited for one that started it might be waited for in turn.
bool held_by_ancestor(const Site& site, const LeaseRow& lease, const Decision& decision) {
  const LeaseRow* holder = site.ledger.lease(decision.holder);
  const auto session = site.sessions.find(lease.session_id);
  if (decision.cause != Cause::kInUse || !holder || session == site.sessions.end()) return false;
  return !is_ending(holder->state) && holder->process.hostname == lease.process.hostname &&
         session->second.ancestors.contains(holder->process.pid);
}

bool is_refused(Cause cause) {
  return cause == Cause::kFlavorNotSupported || cause == Cause::kHeldByAncestor ||
         cause == Cause::kOverLimit;
}

void wait(Site& site, const LeaseRow& lease, Decision decision) {
  const auto session = site.sessions.find(lease.session_id);
  const std::pair<uint8_t, uint64_t> why{static_cast<uint8_t>(decision.cause), decision.holder};
  if (session != site.sessions.end()) {
    // Most of a long queue waits for the same as before: nothing to say.
    if (lease.state == LeaseState::kQueued && !session->second.waiting_text.empty() &&
        session->second.waiting_for == why)
      return;
    session->second.waiting_for = why;
  }
  if (held_by_ancestor(site, lease, decision)) decision.cause = Cause::kHeldByAncestor;
  const std::string cause(cause_word(decision.cause));
  const std::string text = reason_text(decision.cause, facts_of(site, lease, decision));
  if (is_refused(decision.cause))
    end_lease(site, lease.id,
              {LeaseState::kFailed, cause, text, "scheduler", Code::kFailedPrecondition});
  else
    let_wait(site, lease.id, cause, text);
}

}  // namespace

void run_cycle(Site& site) {
  if (!site.schedule_wanted) return;
  site.schedule_wanted = false;
  move_to_free_accelerators(site);
  const View view = make_view(site);
  for (const Decision& decision : decide(view)) {
    if (decision.devices.empty())
      wait(site, *site.ledger.lease(decision.lease_id), decision);
    else
      grant_lease(site, decision.lease_id, decision.devices);
  }
}

}  // namespace moai::control
