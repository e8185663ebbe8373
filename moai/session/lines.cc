#include "moai/session/lines.h"

#include <algorithm>
#include <sstream>

namespace moai::session {
namespace {

// What a user understands of an address of ours: "host:port", or that it is this machine.
std::string shown(const std::string& address) {
  const size_t colon = address.find(':');
  const std::string scheme = address.substr(0, colon);
  if (scheme == "unix") return "localhost";
  return scheme == "tcp" || scheme == "tls" ? address.substr(colon + 1) : address;
}

std::vector<int> numbers(const std::string& version) {
  std::vector<int> all;
  std::istringstream words(version);
  for (std::string word; std::getline(words, word, '.');) all.push_back(std::atoi(word.c_str()));
  return all;
}

}  // namespace

std::string requesting_line(const std::string& device_name) {
  return "Requesting resources for " + device_name + " from the server...";
}

std::string initializing_line(const std::string& device_name) {
  return "Initializing the worker daemon for " + device_name;
}

std::vector<std::string> connecting_lines(const v1::Granted& granted) {
  std::vector<std::string> hosts, addresses;
  for (const v1::WorkerAddress& worker : granted.workers()) {
    const std::string host = worker.host().empty() ? worker.address() : worker.host();
    if (std::find(hosts.begin(), hosts.end(), host) != hosts.end()) continue;
    hosts.push_back(host);
    addresses.push_back(shown(worker.address()));
  }
  std::vector<std::string> lines;
  for (size_t i = 0; i < addresses.size(); ++i) {
    lines.push_back("[" + std::to_string(i + 1) + "/" + std::to_string(addresses.size()) +
                    "] Connecting to resources on the server (" + addresses[i] + ")...");
  }
  return lines;
}

std::string establishing_line() { return "Establishing links to the resources..."; }

std::vector<std::string> ready_lines(const std::string& device_name, const std::string& version,
                                     uint64_t job_id) {
  return {device_name + " is ready to use.", "Moreh Version: " + version,
          "Moreh Job ID: " + std::to_string(job_id)};
}

std::string newer_version_line() {
  return "A newer version of Moreh AI Framework is available. You can update it by running "
         "\"update-moreh\".";
}

bool is_newer(const std::string& version, const std::string& than) {
  return numbers(version) > numbers(than);
}

std::string away_line(const std::string& address, int64_t seconds) {
  return "The server cannot be reached for " + std::to_string(seconds) + " s (" + address +
         "). The program goes on; the connection is being restored.";
}

}  // namespace moai::session
