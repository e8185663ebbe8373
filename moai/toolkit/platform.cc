#include "moai/toolkit/platform.h"

#include <unistd.h>

#include <algorithm>
#include <ostream>

#include "moai/base/file.h"
#include "moai/base/site_settings.h"
#include "moai/session/local/local_platform.h"
#include "moai/toolkit/progress.h"

namespace moai::toolkit {
namespace {

Result<Platform> configured(const SiteSettings& site) {
  if (site.token.empty()) {
    return unauthenticated(
        "SDA token is not given. Write it to /etc/moreh/token or set MOREH_SDA_TOKEN.");
  }
  CoreApiOptions options;
  options.channel.address = site.address;
  options.channel.token = site.token;
  options.if_silent =
      "check that it runs and that MOREH_SDA_MANAGER_ADDRESS or /etc/moreh/manager_address is "
      "right";
  if (!site.ca_path.empty()) {
    MOAI_ASSIGN_OR_RETURN(options.channel.ca, read_file(site.ca_path));
  }
  Platform platform;
  platform.address = site.address;
  platform.state_dir = state_directory();
  MOAI_ASSIGN_OR_RETURN(platform.api, open_core_api(options));
  return platform;
}

// What the agent takes when nobody says: half of the machine's, shared out.
uint64_t device_memory(const session::LocalOptions& options) {
  if (options.memory_bytes != 0) return options.memory_bytes;
  const auto bytes = static_cast<uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                     static_cast<uint64_t>(::sysconf(_SC_PAGE_SIZE));
  return bytes / 2 / std::max(1u, options.devices);
}

Status connect(const session::LocalPlatform& local, Platform* platform) {
  CoreApiOptions options;
  options.channel.address = platform->address = local.address;
  MOAI_ASSIGN_OR_RETURN(options.channel.ca, read_file(local.ca_path));
  options.channel.token = first_line_of(local.token_path);
  options.if_silent = "see " + platform->state_dir + "/moai-master.log, or run \"moai up\"";
  MOAI_ASSIGN_OR_RETURN(platform->api, open_core_api(options));
  return ok_status();
}

}  // namespace

Result<Platform> find_platform(Terminal& terminal, Stopped stopped) {
  const SiteSettings site = read_site_settings();
  if (!site.address.empty()) return configured(site);
  MOAI_ASSIGN_OR_RETURN(const session::LocalOptions options, session::local_options());
  Platform platform;
  platform.local = true;
  platform.state_dir = options.state_dir;
  platform.memory_bytes = device_memory(options);
  const auto status = session::platform_status(options.state_dir);
  const bool runs = status && status->master_alive;
  if (!runs && stopped == Stopped::kLeave) return platform;
  if (runs && stopped == Stopped::kLeave && !status->platform.address.empty()) {
    MOAI_RETURN_IF_ERROR(connect(status->platform, &platform));
    return platform;
  }
  Progress progress(terminal.err, "Waiting for the local platform");
  session::LocalCall call;
  call.say = [&](const std::string& line) { progress.say("[info] " + line); };
  MOAI_ASSIGN_OR_RETURN(const session::LocalPlatform local,
                        session::ensure_platform(options, call));
  MOAI_RETURN_IF_ERROR(connect(local, &platform));
  return platform;
}

}  // namespace moai::toolkit
