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

}  // namespace

bool same_minor_version(std::string_view a, std::string_view b) {
  return minor_version(a) == minor_version(b);
}

Status admit(const dispatch::Hello& hello, const Identity& identity) {
  if (hello.protocol != dispatch::kProtocolVersion) {
    return failed_precondition("[worker.hello] the front speaks protocol " +
                               std::to_string(hello.protocol) + ", this Worker " +
                               std::to_string(dispatch::kProtocolVersion) +
                               "; install equal versions of MoAI on both");
  }
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

dispatch::Welcome welcome(const Identity& identity) {
  return {.worker = identity.name,
          .device_kind = identity.device_kind,
          .torch_version = identity.torch_version,
          .memory_bytes = identity.memory_bytes,
          .credit_bytes = identity.credit_bytes};
}

}  // namespace moai::worker
