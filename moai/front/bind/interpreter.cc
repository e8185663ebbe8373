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

// Which class of moai.errors tells it best.
const char* ended_class(Code code) {
  switch (code) {
    case Code::kAborted:
    case Code::kCancelled:
      return "JobEnded";
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
    case Code::kDataLoss:
      return "WorkerLost";
    case Code::kUnauthenticated:
    case Code::kPermissionDenied:
      return "InvalidToken";
    default:
      return "AcceleratorUnavailable";
  }
}

void raise_ended(const Status& why) {
  const pybind11::gil_scoped_acquire gil;
  const pybind11::object type =
      pybind11::module_::import("moai.errors").attr(ended_class(why.code()));
  PyErr_SetString(type.ptr(), why.message().c_str());
  python_error error;
  error.persist();
  throw error;
}

// Whether the C++ exception in flight carries an exception of that Python class, which is then
// forgotten.
bool in_flight(PyObject* type) {
  try {
    throw;
  } catch (const pybind11::error_already_set& error) {
    const pybind11::gil_scoped_acquire gil;
    return error.matches(type);
  } catch (const python_error& error) {
    const pybind11::gil_scoped_acquire gil;
    // A kernel in Python leaves it where the interpreter keeps it.
    PyObject* raised = error.type ? error.type : PyErr_Occurred();
    if (!raised || !PyErr_GivenExceptionMatches(raised, type)) return false;
    PyErr_Clear();
    return true;
  } catch (...) {
    return false;
  }
}

bool is_not_implemented() { return in_flight(PyExc_NotImplementedError); }
bool is_refusal() { return in_flight(PyExc_Exception); }

}  // namespace

Script python_script() {
  Script script;
  script.release = &release;
  script.restore = &restore;
  script.interrupted = &interrupted;
  script.raise_pending = &raise_pending;
  script.raise_ended = &raise_ended;
  script.is_not_implemented = &is_not_implemented;
  script.is_refusal = &is_refusal;
  script.line = &current_python_line;
  script.line_text = &python_line_text;
  return script;
}

}  // namespace moai::front
