// The driver of this process, and how its failures become torch's exceptions.
//
// The driver exists from the first tensor on the device; it asks for a lease only when commands
// must leave. It is leaked on purpose at process end. In a forked child it is abandoned: every use
// raises what CUDA raises there.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "moai/driver/driver.h"

namespace moai::front {

struct Startup {
  std::string session_program;  // path of moai-session
  std::string client_version;   // of this package
  std::string framework;        // "pytorch-2.13.0"
  std::string command;          // "python train.py"
};
// Has no effect once the driver exists.
void set_startup(Startup startup);

// What a script asks of the plan of a job on several devices, as MOAI_PLAN spells it, which goes
// before it. INVALID_ARGUMENT and UNIMPLEMENTED in the planner's words; FAILED_PRECONDITION once
// the driver exists.
Status ask_for_plan(const std::string& pins);

// Creates the driver at the first call.
driver::Driver& engine();
// Null before the first engine() and in a forked child.
driver::Driver* engine_if_started();
bool in_forked_child();
// What engine() returns from now on: a captured graph's recorder, or again the driver itself.
void set_engine(driver::Driver* driver);

// Raises the error as the class that torch would raise, naming operator and line of the last device
// error. Does nothing when ok.
void raise_if_error(const Status& status);
// The same for an error that belongs to no recorded call.
[[noreturn]] void raise_status(const Status& status);

// Runs `wait` with Python released; raises its error, or the exception of an interrupt.
void wait_for(const std::function<Status(driver::Driver&, const driver::Interrupt&)>& wait);

void synchronize();
// Whether all that was recorded is done. Does not wait.
bool is_idle();

// As cudaSetSyncDebugMode: 0 nothing, 1 warn, 2 raise where a script waits for a value.
void set_sync_debug_mode(int mode);
int sync_debug_mode();
// To be called before such a wait.
void note_waiting();

// Waits while too much is recorded and not sent yet.
void make_room();

// Bytes of the device: as leased, else as the settings say.
uint64_t device_memory_bytes();

}  // namespace moai::front
