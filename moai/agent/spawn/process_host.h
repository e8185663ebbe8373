// The WorkerHost of real processes.
//
// A Worker has a session, process group and log file of its own (a pipe to the agent would end it
// together with the agent), gets the secret of its lease through a pipe and tells its address by
// one line on another. One of several also gets the secret of their group, and through a socket of
// its own who they are. docs/formats/worker.md:
//
//   moai-worker --listen unix:PATH --epoch E --device-kind cpu --device-index I --threads T
//               --memory BYTES --secret-fd 3 --ready-fd 4 [--compile-folder DIRECTORY]
//               [--rank R --ranks N --peers-fd 5 [--ca FILE]]
//
// Its death is seen at once by pidfd, or within 200 ms on kernels without.
#pragma once

#include <memory>

#include "moai/agent/spawn/worker_host.h"

namespace moai::agent {

struct ProcessHostOptions {
  std::string program;           // moai-worker
  std::string listen = "unix";   // or "tcp", "tls"
  std::string host;              // "tcp", "tls": address to listen at
  std::string directory;         // of the Workers' logs
  std::string socket_directory;  // "unix": private to the user, its path short
  std::string certificate_path;  // "tls"
  std::string key_path;          // "tls"
  std::string ca_path;           // "tls": what Workers check each other's certificates against
  std::string compile_python;    // of the compile service; empty: none
  std::string compile_folder;    // where Workers ask it
  uint32_t threads = 1;
  std::vector<std::vector<int>> cpus;  // of device 0, 1, …; missing or empty: all
  uint64_t data_bytes_max = 0;         // limit on the heap of a Worker; 0: none
  int64_t ready_ms_max = 60'000;       // from start to its address
  int64_t stop_ms = 500;               // from SIGTERM to SIGKILL
};

std::unique_ptr<WorkerHost> process_host(ProcessHostOptions options);

}  // namespace moai::agent
