// One message of each kind, every field set: for tests, and as first inputs of the fuzzer.
#pragma once

#include <string>
#include <vector>

#include "moai/session/wire.h"

namespace moai::session {

inline std::vector<WireMessage> one_of_each() {
  Start start;
  start.client_version = "0.1.0";
  start.framework = "pytorch-2.13.0";
  start.pid = 4711;
  start.command = "python train.py";
  start.manager_address = "10.0.0.1:7070";
  start.token = "secret";
  start.ca_path = "/etc/moreh/ca.pem";
  start.flavor = "large";
  start.device = "1";
  start.resume = "credential";
  Granted granted;
  granted.job_id = 977753;
  granted.epoch = uint64_t{1} << 63;
  granted.flavor = "2 devices";
  granted.device_name = "MoAI Accelerator";
  granted.memory_bytes = uint64_t{64} << 30;
  granted.ca = "-----BEGIN CERTIFICATE-----";
  granted.resume = "r";
  granted.workers = {{"unix:/tmp/w0", std::string(32, '\x07'), "back01", 3, "boot/25.1"},
                     {"tls:10.0.0.2:9", "", "back02", 300, ""}};
  return {start,
          Acquire{},
          GiveBack{},
          LinkLost{"unix:/tmp/w0", "connection reset"},
          Line{2, "Not enough resources"},
          Waiting{"No device is free"},
          granted,
          Ended{Code::kAborted, "reset by moreh-smi"}};
}

}  // namespace moai::session
