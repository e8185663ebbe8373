#include "moai/front/bind/interpreter.h"

#include <torch/csrc/Exceptions.h>
#include <torch/csrc/utils/pybind.h>

#include "moai/front/bind/lines.h"

namespace moai::front {
namespace {

void* release() { return Py_IsInitialized() && PyGILState_Check() ? PyEval_SaveThread() : nullptr; }

void restore(void* released) {
  if (released) PyEval_RestoreThread(static_cast<PyThreadState*>(released));
}

Status interrupted() {
  // A thread without Python state is no thread that signals are handled in.
  if (!PyGILState_GetThisThreadState()) return ok_status();
  const pybind11::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() == 0) return ok_status();
  return cancelled("[front.interpreter] interrupted by a signal");
}

void raise_pending() {
  const pybind11::gil_scoped_acquire gil;
  if (!PyErr_Occurred()) return;
  python_error error;
  error.persist();
  throw error;
}

bool is_not_implemented() {
  try {
    throw;
  } catch (const python_error& error) {
    const pybind11::gil_scoped_acquire gil;
    return PyErr_GivenExceptionMatches(error.type, PyExc_NotImplementedError) != 0;
  } catch (...) {
    return false;
  }
}

}  // namespace

Script python_script() {
  Script script;
  script.release = &release;
  script.restore = &restore;
  script.interrupted = &interrupted;
  script.raise_pending = &raise_pending;
  script.is_not_implemented = &is_not_implemented;
  script.line = &current_python_line;
  script.line_text = &python_line_text;
  return script;
}

}  // namespace moai::front
