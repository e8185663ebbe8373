#include "moai/toolkit/core_api.h"

#include <algorithm>

namespace moai::toolkit {
namespace {

class GrpcCoreApi final : public CoreApi {
 public:
  GrpcCoreApi(std::shared_ptr<rpc::Channel> channel, CoreApiOptions options)
      : client_(std::move(channel)), options_(std::move(options)) {}

#define MOAI_TOOLKIT_CALL(Name, name, Request, Response)                   \
  Result<v1::Response> name(const v1::Request& request) override {         \
    Result<v1::Response> response = client_.name(request);                 \
    if (!response.ok()) return explain_error(response.status(), options_); \
    return response;                                                       \
  }
  MOAI_CORE_CALLS(MOAI_TOOLKIT_CALL)
#undef MOAI_TOOLKIT_CALL

 private:
  rpc::CoreClient client_;
  CoreApiOptions options_;
};

}  // namespace

Result<std::unique_ptr<CoreApi>> open_core_api(const CoreApiOptions& options) {
  MOAI_ASSIGN_OR_RETURN(auto channel, rpc::Channel::open(options.channel));
  return std::unique_ptr<CoreApi>(new GrpcCoreApi(std::move(channel), options));
}

Status explain_error(const Status& status, const CoreApiOptions& options) {
  std::string text = status.message();
  std::replace(text.begin(), text.end(), '\n', ' ');
  const std::string& address = options.channel.address;
  switch (status.code()) {
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
      return {status.code(),
              "SDAManager at " + address + " does not answer: " + text + "; " + options.if_silent};
    case Code::kUnauthenticated:
      return {status.code(), "SDAManager at " + address + " refuses the token: " + text +
                                 " Check MOREH_SDA_TOKEN or /etc/moreh/token."};
    default:
      return {status.code(), std::move(text)};
  }
}

}  // namespace moai::toolkit
