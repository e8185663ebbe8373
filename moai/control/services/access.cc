#include "moai/control/services/access.h"

#include "moai/identity/token.h"

namespace moai::control {
namespace {

// "0.1.7" → "0.1".
std::string series_of(const std::string& version) {
  const size_t first = version.find('.');
  if (first == std::string::npos) return version;
  return version.substr(0, version.find('.', first + 1));
}

}  // namespace

Result<Access> authorize(const Site& site, const rpc::Caller& caller) {
  if (caller.token.empty()) {
    if (caller.peer && caller.peer->role == "admin")
      return Access{0, true, "admin/" + caller.peer->name};
    return unauthenticated("SDA token is not given.");
  }
  const std::string hash = identity::hash_token(caller.token);
  const TokenRow* token = site.ledger.token_by_hash(hash);
  if (!token || token->revoked || !identity::equal_constant_time(token->hash.bytes, hash))
    return unauthenticated("Invalid SDA token.");
  const bool admin = token->admin || (caller.peer && caller.peer->role == "admin");
  return Access{token->id, admin,
                "token/" + std::to_string(token->id) + " (" + token->description + ")"};
}

Status require_admin(const Access& access) {
  if (access.admin) return ok_status();
  return permission_denied("This call needs an ADMIN token or an admin's client certificate.");
}

Status require_token(const Access& access) {
  if (access.token_id != 0) return ok_status();
  return invalid_argument("Accelerators belong to tokens: give the token they belong to.");
}

Status check_version(const Site& site, const std::string& client_version) {
  if (series_of(client_version) == series_of(site.options.version)) return ok_status();
  return failed_precondition("The current version of MoAI (" + client_version +
                             ") is outdated and no longer supported by the server (" +
                             site.options.version + "). Please run \"update-moreh\".");
}

}  // namespace moai::control
