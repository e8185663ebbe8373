// Status ↔ grpc::Status. Codes are the same numbers; the message and, towards us, the details that
// a foreign server may add are kept. Only files that include gRPC include this.
#pragma once

#include <grpcpp/support/status.h>

#include "moai/base/status.h"

namespace moai::rpc {

grpc::Status to_grpc(const Status& status);
Status from_grpc(const grpc::Status& status);

}  // namespace moai::rpc
