#include <unistd.h>

#include <algorithm>

#include "moai/control/services/calls.h"
#include "moai/control/services/describe.h"

namespace moai::control {
namespace {

constexpr uint32_t kListDefault = 100;
constexpr uint32_t kListMax = 1000;

uint32_t limit_of(uint32_t asked) { return asked == 0 ? kListDefault : std::min(asked, kListMax); }

}  // namespace

Result<v1::Server> get_server(Site& site, const Access&, const v1::GetServerRequest&) {
  v1::Server out;
  out.set_version(site.options.version);
  out.set_latest_version(site.options.version);
  out.set_device_name(site.options.device_name);
  out.set_pid(::getpid());
  out.set_started_ns(site.started_ns);
  out.set_idle_ms(site.idle_ns / kNsPerMs);
  return out;
}

Result<v1::Jobs> list_jobs(Site& site, const Access& access, const v1::ListJobsRequest& request) {
  const bool all = request.all_tokens() || access.token_id == 0;
  if (all) MOAI_RETURN_IF_ERROR(require_admin(access));
  const uint32_t limit = limit_of(request.limit());
  v1::Jobs out;
  if (request.ended()) {
    MOAI_ASSIGN_OR_RETURN(const std::vector<LeaseRow> rows,
                          site.ledger.store().history(all ? 0 : access.token_id, limit));
    for (const LeaseRow& row : rows) *out.add_jobs() = describe(site, row);
    return out;
  }
  for (const auto& [id, lease] : site.ledger.leases()) {
    if (!all && lease.token_id != access.token_id) continue;
    if (static_cast<uint32_t>(out.jobs_size()) == limit) break;
    *out.add_jobs() = describe(site, lease);
  }
  return out;
}

Result<v1::Events> list_events(Site& site, const Access& access,
                               const v1::ListEventsRequest& request) {
  MOAI_RETURN_IF_ERROR(require_admin(access));
  const uint32_t limit = limit_of(request.limit());
  Store& store = site.ledger.store();
  MOAI_ASSIGN_OR_RETURN(const std::vector<EventRow> rows,
                        request.after() == 0 && request.limit() != 0
                            ? store.newest_events(limit)
                            : store.events(request.after(), limit));
  v1::Events out;
  for (const EventRow& row : rows) *out.add_events() = describe(row);
  return out;
}

Result<v1::AgentList> list_agents(Site& site, const Access& access, const v1::Empty&) {
  MOAI_RETURN_IF_ERROR(require_admin(access));
  v1::AgentList out;
  for (const auto& [id, row] : site.ledger.agents()) *out.add_agents() = describe(site, row);
  return out;
}

}  // namespace moai::control
