#include "moai/session/serve.h"

#include <pwd.h>
#include <unistd.h>

#include "moai/base/file.h"
#include "moai/base/log.h"
#include "moai/base/process.h"
#include "moai/base/site_settings.h"
#include "moai/identity/token.h"
#include "moai/rpc/client/channel.h"
#include "moai/session/holder_loop.h"
#include "moai/session/local/device_memory.h"
#include "moai/session/local/local_platform.h"

namespace moai::session {
namespace {

std::string user_name() {
  const passwd* entry = ::getpwuid(::geteuid());
  return entry ? entry->pw_name : std::to_string(::geteuid());
}

std::string host_name() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

std::string without_end_of_line(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

Result<Platform> local_platform(const Start& start, const SayLine& say,
                                const std::atomic<bool>& stop) {
  MOAI_ASSIGN_OR_RETURN(const LocalOptions options, local_options());
  LocalCall call;
  call.comes_back = !start.resume.empty();
  call.stop = &stop;
  call.say = [&say](std::string line) {
    say(static_cast<uint8_t>(LogLevel::kInfo), std::move(line));
  };
  MOAI_ASSIGN_OR_RETURN(const LocalPlatform local, ensure_platform(options, call));
  Platform platform;
  platform.address = local.address;
  platform.local = true;
  MOAI_ASSIGN_OR_RETURN(platform.ca, read_file(local.ca_path));
  MOAI_ASSIGN_OR_RETURN(platform.token, read_file(local.token_path));
  platform.token = without_end_of_line(platform.token);
  return platform;
}

Result<Platform> locate(const Start& start, const SayLine& say, const std::atomic<bool>& stop) {
  if (start.manager_address.empty()) return local_platform(start, say, stop);
  Platform platform;
  platform.address = start.manager_address;
  platform.token = without_end_of_line(start.token);
  if (platform.token.empty()) {
    return unauthenticated(
        "SDA token is not given. Write it to /etc/moreh/token or set "
        "MOREH_SDA_TOKEN.");
  }
  if (!start.ca_path.empty()) {
    MOAI_ASSIGN_OR_RETURN(platform.ca, read_file(start.ca_path));
  }
  return platform;
}

Result<std::unique_ptr<rpc::SessionStream>> connect(const Platform& platform) {
  rpc::ChannelOptions options;
  options.address = platform.address;
  options.ca = platform.ca;
  options.token = platform.token;
  MOAI_ASSIGN_OR_RETURN(const auto channel, rpc::Channel::open(options));
  return rpc::attach(channel);
}

void remember(uint64_t device_memory) {
  const Status status = remember_device_memory(state_directory(), device_memory);
  if (!status.ok()) log_debug(status.message());  // the front then shows its default
}

}  // namespace

void serve(ServeOptions options) {
  HolderLoopOptions loop;
  loop.driver = std::move(options.driver);
  loop.script = std::move(options.script);
  loop.holder.version = options.version;
  loop.holder.hostname = host_name();
  loop.holder.user = user_name();
  loop.holder.operation_id = identity::make_token;
  loop.holder.ancestors = ancestors;
  loop.locate = locate;
  loop.connect = connect;
  loop.remember = remember;
  run_holder(std::move(loop));
}

}  // namespace moai::session
