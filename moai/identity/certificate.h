// Certificates of the platform: a local CA and the certificates it issues. EC P-256, PEM texts.
//
// A certificate's subject says who its owner is: OU is the role ("master", "agent", "worker",
// "admin"), CN the name. Roles are what the Core API checks; names are for people and events.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "moai/base/status.h"

namespace moai::identity {

struct KeyPair {
  std::string certificate;  // PEM
  std::string key;          // PEM, not encrypted: the file's mode (0600) protects it
};

struct Subject {
  std::string role;
  std::string name;
  std::vector<std::string> dns;  // subject alternative names
  std::vector<std::string> ips;
};

struct Identity {
  std::string role;
  std::string name;
};

inline constexpr std::chrono::hours kCertificateLife{24 * 365 * 5};
inline constexpr std::chrono::hours kCaLife{24 * 365 * 20};

Result<KeyPair> make_ca(const std::string& name, std::chrono::hours life = kCaLife);
// Valid from an hour ago, so that a clock a little behind accepts it.
Result<KeyPair> issue(const KeyPair& ca, const Subject& subject,
                      std::chrono::hours life = kCertificateLife);

// Reads role and name. It does not verify: the transport that handed the certificate out did.
Result<Identity> read_identity(const std::string& certificate_pem);
// UNAUTHENTICATED unless `ca_pem` issued the certificate and it is valid now.
Status verify_issued(const std::string& certificate_pem, const std::string& ca_pem);

}  // namespace moai::identity
