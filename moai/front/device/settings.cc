#include "moai/front/device/settings.h"

#include <unistd.h>

#include <algorithm>

#include "moai/base/environment.h"
#include "moai/base/site_settings.h"

namespace moai::front {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;

std::string setting(const char* name) { return environment(name).value_or(""); }

bool truthy(const std::string& value) {
  return !value.empty() && value != "0" && value != "false" && value != "no" && value != "off";
}

// Written by the platform's tools: memory of the flavor in use, in bytes.
uint64_t memory_of_state_file() {
  return parse_size(first_line_of(state_directory() + "/device_memory"));
}

// What one of the local platform's simulated devices has by default.
uint64_t default_memory() {
  const auto pages = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES));
  const uint64_t devices = parse_size(setting("MOAI_LOCAL_DEVICES"));
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE)) / 2 / (devices ? devices : 8);
}

uint64_t memory_setting() {
  if (const uint64_t set = parse_size(setting("MOAI_DEVICE_MEMORY"))) return set;
  if (const uint64_t known = memory_of_state_file()) return known;
  return default_memory();
}

}  // namespace

uint64_t parse_size(const std::string& text) {
  size_t end = 0;
  double number = 0;
  try {
    number = std::stod(text, &end);
  } catch (const std::exception&) {
    return 0;
  }
  const std::string unit = text.substr(end);
  double factor = 0;
  if (unit.empty() || unit == "B") factor = 1;
  if (unit == "KiB" || unit == "K") factor = 1024;
  if (unit == "MiB" || unit == "M") factor = 1024.0 * 1024;
  if (unit == "GiB" || unit == "G") factor = static_cast<double>(kGiB);
  return number > 0 ? static_cast<uint64_t>(number * factor) : 0;
}

Settings read_settings() {
  Settings s;
  const SiteSettings site = read_site_settings();
  s.manager_address = site.address;
  s.token = site.token;
  s.ca_path = site.ca_path;
  s.flavor = setting("MOAI_FLAVOR");
  s.device = setting("MOREH_VISIBLE_DEVICE");
  if (s.device.empty()) s.device = setting("MOREH_VISIBLE_DEVICES");
  s.device_name = setting("MOAI_DEVICE_NAME");
  if (s.device_name.empty()) s.device_name = "MoAI Accelerator";
  s.device_type = setting("MOAI_DEVICE");
  s.memory_bytes = memory_setting();
  s.plan = setting("MOAI_PLAN");
  const std::string search = setting("MOAI_PLAN_SEARCH");
  const std::string advanced = setting("MOREH_ENABLE_ADVANCED_PARALLELIZATION");
  s.tells_search = truthy(advanced);
  s.searches_plan = search.empty() ? advanced.empty() || s.tells_search : truthy(search);
  s.cluster_path = setting("MOAI_CLUSTER");
  if (const std::string overlap = setting("MOAI_OVERLAP"); !overlap.empty()) {
    s.overlaps = truthy(overlap);
  }
  s.quiet = truthy(setting("MOAI_QUIET"));
  s.disabled = truthy(setting("MOAI_DISABLE"));
  const std::string templates = setting("MOAI_TEMPLATES");
  s.templates = templates.empty() || truthy(templates);
  const std::string compile = setting("MOAI_COMPILE");
  s.compiles = truthy(compile);
  s.may_compile = compile.empty() || s.compiles;
  s.rehearsal = setting("MOAI_REHEARSAL");
  s.rehearsal_steps = std::max<uint64_t>(parse_size(setting("MOAI_REHEARSAL_STEPS")), 1);
  s.flush_nodes = parse_size(setting("MOAI_FLUSH_NODES"));
  return s;
}

}  // namespace moai::front
