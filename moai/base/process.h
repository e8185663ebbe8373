// Processes: who one is, whether it still lives, and how to start one.
//
// Any thread may call. Nothing here blocks but spawn(), which returns when the program was executed
// or could not be.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "moai/base/fd.h"
#include "moai/base/status.h"

namespace moai {

// A process that stays distinguishable from a later one with the same pid.
struct ProcessId {
  int64_t pid = 0;
  uint64_t start_ticks = 0;  // since boot, /proc/PID/stat
  bool operator==(const ProcessId&) const = default;
};

// Nothing when there is no such process or it is a zombie.
std::optional<ProcessId> process_id(int64_t pid);
bool is_alive(const ProcessId& process);
// Pids of its parent, that one's parent, … without the first process; empty when it is gone.
std::vector<int64_t> ancestors(int64_t pid);
// User and system time that the process and its threads have used; 0 when it is gone.
uint64_t cpu_time_ns(int64_t pid);
uint64_t resident_bytes(int64_t pid);

// Readable when the process ended. UNIMPLEMENTED on kernels without pidfd, NOT_FOUND when the
// process is gone.
Result<Fd> open_pidfd(int64_t pid);

struct SpawnOptions {
  std::vector<std::string> argv = {};  // argv[0]: a path, or a name looked up in PATH
  std::vector<std::pair<std::string, std::string>> environment = {};  // added to this process's
  std::vector<int> fds = {};  // become 3, 4, … in the child; every other descriptor is closed there
  std::string log_path = {};  // of stdout and stderr, appended to; empty: inherited
  bool truncate_log = false;
  bool detach = false;          // not a child of this process: nobody needs to wait for it
  std::vector<int> cpus = {};   // it may run on; empty: all
  uint64_t data_bytes_max = 0;  // RLIMIT_DATA; 0: unlimited
};

// Starts a program in a session and process group of its own, stdin from /dev/null and signals at
// their defaults. Without `detach` the caller must reap it. Fails when it cannot be executed.
Result<int64_t> spawn(const SpawnOptions& options);

// Directory of the program that this process runs.
std::string program_directory();

// Milliseconds since the machine was booted, suspends included; comparable between processes of one
// boot, which boot_id() names.
int64_t boot_time_ms();
std::string boot_id();
// Equal for processes of which each can open shared memory that the other has made, and see
// whether it lives: those of one boot, one /dev/shm and one pid namespace. Empty where there is no
// shared memory.
std::string shared_memory_id();

}  // namespace moai
