// Who a caller is and what it may do.
#pragma once

#include <cstdint>
#include <string>

#include "moai/base/status.h"
#include "moai/control/site.h"

namespace moai::control {

struct Access {
  uint64_t token_id = 0;  // 0: by certificate
  bool admin = false;
  std::string actor;  // for events: "token/3 (team A)", "admin/alice"
};

// By the token, else by a client certificate of role "admin". UNAUTHENTICATED otherwise.
Result<Access> authorize(const Site& site, const rpc::Caller& caller);
// PERMISSION_DENIED unless the caller is an admin.
Status require_admin(const Access& access);
// INVALID_ARGUMENT for a caller that has no token of its own.
Status require_token(const Access& access);
// FAILED_PRECONDITION when the client's version is not served any more: another major.minor.
Status check_version(const Site& site, const std::string& client_version);

}  // namespace moai::control
