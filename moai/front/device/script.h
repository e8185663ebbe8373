// Script: what device and capture need from the interpreter that runs the user's program.
//
// bind/ fills it in when the module is loaded; without it (C++ tests) nothing is interrupted and no
// line is known. Functions may be called from any thread, with or without the GIL.
#pragma once

#include <string>

#include "moai/base/status.h"
#include "moai/graph/window.h"

namespace moai::front {

struct Script {
  // Lets other threads run Python while this one waits. Returns what restore() takes.
  void* (*release)() = nullptr;
  void (*restore)(void* released) = nullptr;
  // CANCELLED when the user interrupted; the exception is then pending in this thread.
  Status (*interrupted)() = nullptr;
  // Throws the pending exception; returns when there is none.
  void (*raise_pending)() = nullptr;
  // Throws the exception of a lease that is over (moai.errors).
  void (*raise_ended)(const Status& why) = nullptr;
  // Whether the exception in flight is Python's NotImplementedError. A true answer, also of
  // is_refusal, means that it will not be raised.
  bool (*is_not_implemented)() = nullptr;
  // Whether the exception in flight is one of Python, and not an interrupt.
  bool (*is_refusal)() = nullptr;
  // The line of the user's program that runs on this thread; 0 when unknown.
  graph::LineId (*line)() = nullptr;
  // "train.py:12"; empty when unknown.
  std::string (*line_text)(graph::LineId line) = nullptr;
};

// Called once, before any tensor of the device exists.
void set_script(const Script& script);
const Script& script();

inline graph::LineId current_line() { return script().line ? script().line() : 0; }

// While it lives, other threads may run Python.
class ScriptReleased {
 public:
  ScriptReleased() : released_(script().release ? script().release() : nullptr) {}
  ~ScriptReleased() {
    if (script().restore) script().restore(released_);
  }
  ScriptReleased(const ScriptReleased&) = delete;
  ScriptReleased& operator=(const ScriptReleased&) = delete;

 private:
  void* released_;
};

}  // namespace moai::front
