#include "moai/worker/serve/handshake.h"

#include "moai/identity/token.h"

namespace moai::worker {
namespace {

// "2.13" of "2.13.0+cpu".
std::string_view minor_version(std::string_view version) {
  const size_t first = version.find('.');
  if (first == std::string_view::npos) return version;
  return version.substr(0, version.find_first_not_of("0123456789", first + 1));
}

Status check_protocol(uint32_t protocol, const std::string& who) {
  if (protocol == dispatch::kProtocolVersion) return ok_status();
  return failed_precondition(
      "[worker.hello] " + who + " speaks protocol " + std::to_string(protocol) + ", this Worker " +
      std::to_string(dispatch::kProtocolVersion) + "; install equal versions of MoAI on both");
}

}  // namespace

bool same_minor_version(std::string_view a, std::string_view b) {
  return minor_version(a) == minor_version(b);
}

Status admit(const dispatch::Hello& hello, const Identity& identity) {
  MOAI_RETURN_IF_ERROR(check_protocol(hello.protocol, "the front"));
  if (!identity::equal_constant_time(hello.secret, identity.secret)) {
    return unauthenticated("[worker.hello] the secret is not that of the lease");
  }
  if (hello.epoch != identity.epoch) {
    return permission_denied("[worker.hello] the lease has epoch " + std::to_string(hello.epoch) +
                             ", this Worker serves " + std::to_string(identity.epoch));
  }
  if (!same_minor_version(hello.torch_version, identity.torch_version)) {
    return failed_precondition("[worker.hello] the front has torch " + hello.torch_version +
                               ", this Worker " + identity.torch_version +
                               "; install the same minor version on both");
  }
  return ok_status();
}

Status admit(const dispatch::Join& join, const Identity& identity) {
  MOAI_RETURN_IF_ERROR(check_protocol(join.protocol, "the other Worker"));
  if (identity.group_secret.empty()) {
    return failed_precondition("[worker.hello] this Worker is the only one of its lease");
  }
  if (!identity::equal_constant_time(join.secret, identity.group_secret)) {
    return unauthenticated("[worker.hello] the secret is not that of the group");
  }
  if (join.epoch != identity.epoch) {
    return permission_denied("[worker.hello] the other Worker has epoch " +
                             std::to_string(join.epoch) + ", this one " +
                             std::to_string(identity.epoch));
  }
  if (join.rank > identity.rank && join.rank < identity.ranks) return ok_status();
  return invalid_argument("[worker.hello] rank " + std::to_string(join.rank) +
                          " does not join rank " + std::to_string(identity.rank) + " of " +
                          std::to_string(identity.ranks));
}

dispatch::Welcome welcome(const Identity& identity) {
  return {.worker = identity.name,
          .device_kind = identity.device_kind,
          .torch_version = identity.torch_version,
          .memory_bytes = identity.memory_bytes,
          .credit_bytes = identity.credit_bytes,
          .rank = identity.rank,
          .ranks = identity.ranks};
}

}  // namespace moai::worker
