#include "moai/rpc/quiet.h"

#include <grpc/support/log.h>

#include <string>

#include "moai/base/log.h"

namespace moai::rpc {

void quiet_grpc() {
  static const bool done = [] {
    gpr_set_log_function(
        [](gpr_log_func_args* args) { log_debug(std::string("gRPC: ") + args->message); });
    return true;
  }();
  (void)done;
}

}  // namespace moai::rpc
