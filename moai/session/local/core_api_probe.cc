#include <chrono>

#include "moai/base/file.h"
#include "moai/rpc/client/core_client.h"
#include "moai/session/local/local_platform.h"

namespace moai::session {
namespace {

constexpr std::chrono::milliseconds kAnswerMs{5'000};

Result<std::shared_ptr<rpc::Channel>> open(const LocalPlatform& platform) {
  rpc::ChannelOptions options;
  options.address = platform.address;
  MOAI_ASSIGN_OR_RETURN(options.ca, read_file(platform.ca_path));
  MOAI_ASSIGN_OR_RETURN(options.token, read_file(platform.token_path));
  while (!options.token.empty() && options.token.back() == '\n') options.token.pop_back();
  return rpc::Channel::open(options);
}

bool master_answers(const LocalPlatform& platform) {
  const auto channel = open(platform);
  if (!channel.ok()) return false;
  return rpc::CoreClient(*channel, kAnswerMs).get_server().ok();
}

bool agent_is_registered(const LocalPlatform& platform) {
  const auto channel = open(platform);
  if (!channel.ok()) return false;
  rpc::CoreClient client(*channel, kAnswerMs);
  // Who waits for the agent wants the platform to stay.
  if (!client.get_server().ok()) return false;
  const auto agents = client.list_agents();
  if (!agents.ok()) return false;
  for (const v1::Agent& agent : agents->agents()) {
    if (agent.connected() && agent.pid() == platform.agent.pid) return true;
  }
  return false;
}

bool is_idle(const LocalPlatform& platform) {
  const auto channel = open(platform);
  if (!channel.ok()) return false;
  v1::ListJobsRequest request;
  request.set_all_tokens(true);
  const auto jobs = rpc::CoreClient(*channel, kAnswerMs).list_jobs(request);
  return jobs.ok() && jobs->jobs().empty();
}

}  // namespace

LocalProbe core_api_probe() { return {master_answers, agent_is_registered, is_idle}; }

}  // namespace moai::session
