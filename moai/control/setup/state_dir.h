// The files of a master's state directory: certificates, tokens, addresses.
#pragma once

#include <string>

#include "moai/base/status.h"
#include "moai/identity/certificate.h"

namespace moai::control {

Status make_private_directory(const std::string& path);

struct MasterCertificates {
  std::string ca;  // PEM
  identity::KeyPair master;
};
// Reads ca.pem, master.pem and master.key of `dir`; makes what is missing, together with ca.key,
// agent.pem, agent.key (role agent, any name), worker.pem, worker.key, admin.pem and admin.key.
// `host` is the name or address that others reach the master by, besides localhost.
Result<MasterCertificates> ensure_certificates(const std::string& dir, const std::string& host);

// The secret in the file; a new one is made and written when there is no file.
Result<std::string> ensure_token_file(const std::string& path);

}  // namespace moai::control
