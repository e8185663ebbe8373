#include "moai/control/lifecycle/accelerators.h"
#include "moai/control/services/calls.h"
#include "moai/control/services/describe.h"
#include "moai/control/services/sessions.h"
#include "moai/identity/token.h"

namespace moai::control {
namespace {

constexpr int32_t kPriorityMax = 99;
constexpr uint32_t kAcceleratorsDefault = 5;

}  // namespace

uint64_t make_token_row(Site& site, const std::string& secret, TokenRow row,
                        const std::string& actor) {
  row.id = site.ledger.next(Counter::kToken);
  row.hash.bytes = identity::hash_token(secret);
  row.created_ns = site.now_ns;
  site.ledger.put(row);
  site.ledger.add_event(site.now_ns, "token.created", "token/" + std::to_string(row.id), actor,
                        row.description);
  Result<uint64_t> flavor = find_flavor(site, "");
  if (flavor.ok())
    add_accelerator_row(site, row.id, *flavor, actor).status().ignore("a new token has room");
  return row.id;
}

Result<v1::CreatedToken> create_token(Site& site, const Access& access,
                                      const v1::CreateTokenRequest& request) {
  MOAI_RETURN_IF_ERROR(require_admin(access));
  if (request.priority() < -kPriorityMax || request.priority() > kPriorityMax)
    return invalid_argument("A priority is a number from -99 to 99, not " +
                            std::to_string(request.priority()) + ".");
  if (!request.access().empty() && request.access() != "USER" && request.access() != "ADMIN")
    return invalid_argument("Access is USER or ADMIN, not \"" + request.access() + "\".");
  TokenRow row;
  row.description = request.description();
  row.priority = request.priority();
  row.admin = request.access() == "ADMIN";
  row.accelerators_max =
      request.accelerators_max() ? request.accelerators_max() : kAcceleratorsDefault;
  row.devices_max = request.devices_max();
  v1::CreatedToken out;
  out.set_secret(identity::make_token());
  out.set_id(make_token_row(site, out.secret(), std::move(row), access.actor));
  return out;
}

Result<v1::Tokens> list_tokens(Site& site, const Access& access, const v1::Empty&) {
  MOAI_RETURN_IF_ERROR(require_admin(access));
  v1::Tokens out;
  for (const auto& [id, row] : site.ledger.tokens()) *out.add_tokens() = describe(site, row);
  return out;
}

Result<v1::Empty> revoke_token(Site& site, const Access& access,
                               const v1::RevokeTokenRequest& request) {
  MOAI_RETURN_IF_ERROR(require_admin(access));
  const TokenRow* found = site.ledger.token(request.id());
  if (!found) return not_found("There is no token " + std::to_string(request.id()) + ".");
  TokenRow row = *found;
  if (row.revoked) return v1::Empty();
  row.revoked = true;
  site.ledger.put(row);
  site.ledger.add_event(site.now_ns, "token.revoked", "token/" + std::to_string(row.id),
                        access.actor, row.description);
  std::vector<uint64_t> ended;
  for (const auto& [id, session] : site.ledger.sessions())
    if (session.token_id == row.id) ended.push_back(id);
  for (const uint64_t id : ended)
    end_session(site, id, "token_revoked", unauthenticated("Invalid SDA token."));
  return v1::Empty();
}

}  // namespace moai::control
