// Session.Attach: what a holder says, and what becomes of a session whose stream ends.
#pragma once

#include <memory>

#include "moai/control/site.h"

namespace moai::control {

void session_received(Site& site, const std::shared_ptr<SessionConnection>& connection,
                      const v1::SessionUp& up);
// `clean`: the holder ended it in order, so the session is over. Else it may resume for a while.
void session_closed(Site& site, const std::shared_ptr<SessionConnection>& connection, bool clean);
// Heartbeats, and the end of sessions that were silent too long.
void tick_sessions(Site& site);
// Ends a session and its lease; `status` ends its stream.
void end_session(Site& site, uint64_t session_id, const std::string& cause, const Status& status);

}  // namespace moai::control
