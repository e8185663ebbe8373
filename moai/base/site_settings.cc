#include "moai/base/site_settings.h"

#include <unistd.h>

#include <fstream>

#include "moai/base/environment.h"

namespace moai {
namespace {

std::string variable(const char* name) { return environment(name).value_or(""); }

std::string variable_or_file(const char* name, const char* path) {
  const std::string value = variable(name);
  return value.empty() ? first_line_of(path) : value;
}

}  // namespace

SiteSettings read_site_settings() {
  SiteSettings settings;
  settings.address = variable_or_file("MOREH_SDA_MANAGER_ADDRESS", "/etc/moreh/manager_address");
  settings.token = variable_or_file("MOREH_SDA_TOKEN", "/etc/moreh/token");
  settings.ca_path = variable("MOREH_SDA_CA");
  if (settings.ca_path.empty() && ::access("/etc/moreh/ca.crt", R_OK) == 0) {
    settings.ca_path = "/etc/moreh/ca.crt";
  }
  return settings;
}

std::string state_directory() {
  if (const std::string set = variable("MOAI_STATE_DIR"); !set.empty()) return set;
  if (const std::string xdg = variable("XDG_STATE_HOME"); !xdg.empty()) return xdg + "/moai";
  const std::string home = variable("HOME");
  return home.empty() ? "/var/lib/moai" : home + "/.local/state/moai";
}

std::string first_line_of(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  return line;
}

}  // namespace moai
