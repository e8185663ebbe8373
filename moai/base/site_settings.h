// Where this user's SDAManager and state are: environment, then the files of /etc/moreh.
#pragma once

#include <string>

namespace moai {

struct SiteSettings {
  std::string address;  // MOREH_SDA_MANAGER_ADDRESS, /etc/moreh/manager_address; empty: local
  std::string token;    // MOREH_SDA_TOKEN, /etc/moreh/token
  std::string ca_path;  // MOREH_SDA_CA, /etc/moreh/ca.crt where it can be read
};

// Reads them anew at each call.
SiteSettings read_site_settings();

// Of the local platform and what its tools remember: MOAI_STATE_DIR, XDG_STATE_HOME/moai,
// HOME/.local/state/moai, else /var/lib/moai.
std::string state_directory();

// First line of a small file without what ends it; empty when it cannot be read.
std::string first_line_of(const std::string& path);

}  // namespace moai
