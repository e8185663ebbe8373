// Sends gRPC's own log lines to ours at debug level: what matters of them comes as a Status.
#pragma once

namespace moai::rpc {

// Idempotent; every door of this room calls it.
void quiet_grpc();

}  // namespace moai::rpc
