#include "moai/rpc/status.h"

namespace moai::rpc {

grpc::Status to_grpc(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return {static_cast<grpc::StatusCode>(status.code()), status.message()};
}

Status from_grpc(const grpc::Status& status) {
  if (status.ok()) return ok_status();
  std::string message = status.error_message();
  if (!status.error_details().empty()) message += "\n" + status.error_details();
  const int code = static_cast<int>(status.error_code());
  const bool known = code > 0 && code <= static_cast<int>(Code::kUnauthenticated);
  return {known ? static_cast<Code>(code) : Code::kUnknown, std::move(message)};
}

}  // namespace moai::rpc
