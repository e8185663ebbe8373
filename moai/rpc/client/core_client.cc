#include "moai/rpc/client/core_client.h"

#include "moai/rpc/client/grpc_channel.h"
#include "moai/rpc/status.h"
#include "proto/moai/core.grpc.pb.h"

namespace moai::rpc {

struct CoreClient::Impl {
  std::shared_ptr<Channel> channel;  // keeps what the stub uses alive
  std::chrono::milliseconds deadline;
  std::unique_ptr<v1::Core::Stub> stub;
};

CoreClient::CoreClient(std::shared_ptr<Channel> channel, std::chrono::milliseconds deadline)
    : impl_(std::make_unique<Impl>()) {
  impl_->stub = v1::Core::NewStub(as_grpc(*channel).channel());
  impl_->channel = std::move(channel);
  impl_->deadline = deadline;
}

CoreClient::~CoreClient() = default;

#define MOAI_CORE_CLIENT(Name, name, Request, Response)                          \
  Result<v1::Response> CoreClient::name(const v1::Request& request) {            \
    grpc::ClientContext context;                                                 \
    as_grpc(*impl_->channel).prepare(&context);                                  \
    context.set_deadline(std::chrono::system_clock::now() + impl_->deadline);    \
    v1::Response response;                                                       \
    const grpc::Status status = impl_->stub->Name(&context, request, &response); \
    if (!status.ok()) return from_grpc(status);                                  \
    return response;                                                             \
  }
MOAI_CORE_CALLS(MOAI_CORE_CLIENT)
#undef MOAI_CORE_CLIENT

}  // namespace moai::rpc
