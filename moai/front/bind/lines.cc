#include "moai/front/bind/lines.h"

#include <Python.h>
#include <frameobject.h>
#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030c0000
#define Py_BUILD_CORE 1
#include <internal/pycore_frame.h>
#undef Py_BUILD_CORE
#define MOAI_READS_FRAMES 1
#endif

#include <atomic>
#include <mutex>
#include <unordered_map>

namespace moai::front {
namespace {

// The line last seen on any thread. Threads without Python are autograd's: they work for the thread
// that called backward(), whose line this is.
std::atomic<graph::LineId> g_last{0};

std::mutex g_mutex;
std::vector<std::string> g_folders;                        // set once
std::vector<std::string> g_lines;                          // guarded by g_mutex; line N at N - 1
std::unordered_map<std::string, graph::LineId> g_numbers;  // guarded by g_mutex

bool is_users(const std::string& file) {
  if (file.starts_with("<frozen")) return false;
  for (const std::string& folder : g_folders) {
    if (file.starts_with(folder)) return false;
  }
  return true;
}

std::string file_of(PyCodeObject* code) {
  const char* file = PyUnicode_AsUTF8(code->co_filename);
  if (!file) PyErr_Clear();
  return file ? file : "";
}

graph::LineId number_of(const std::string& file, int line) {
  const std::string text = file + ":" + std::to_string(line);
  const std::lock_guard lock(g_mutex);
  graph::LineId& number = g_numbers[text];
  if (number == 0) {
    g_lines.push_back(text);
    number = static_cast<graph::LineId>(g_lines.size());
  }
  return number;
}

#ifdef MOAI_READS_FRAMES

// What is known of a code object; it is kept alive so that its address stays its own.
struct KnownCode {
  bool users = false;
  std::unordered_map<const void*, graph::LineId> lines;  // by instruction
};

thread_local std::unordered_map<PyCodeObject*, KnownCode> t_codes;

KnownCode& know(PyCodeObject* code) {
  const PyGILState_STATE gil = PyGILState_Ensure();
  Py_INCREF(code);
  KnownCode& known = t_codes[code];
  known.users = is_users(file_of(code));
  PyGILState_Release(gil);
  return known;
}

graph::LineId know_line(KnownCode& known, const _PyInterpreterFrame& frame) {
  const PyGILState_STATE gil = PyGILState_Ensure();
  PyCodeObject* code = frame.f_code;
  const auto offset = reinterpret_cast<const char*>(frame.prev_instr) -
                      reinterpret_cast<const char*>(_PyCode_CODE(code));
  const int line = PyCode_Addr2Line(code, static_cast<int>(offset));
  const graph::LineId number = number_of(file_of(code), line);
  known.lines[frame.prev_instr] = number;
  PyGILState_Release(gil);
  return number;
}

#endif

}  // namespace

void set_library_folders(std::vector<std::string> folders) { g_folders = std::move(folders); }

#ifdef MOAI_READS_FRAMES

graph::LineId current_python_line() {
  const PyThreadState* thread = PyGILState_GetThisThreadState();
  if (!thread || !thread->cframe) return g_last.load(std::memory_order_relaxed);
  for (const _PyInterpreterFrame* f = thread->cframe->current_frame; f; f = f->previous) {
    const auto it = t_codes.find(f->f_code);
    KnownCode& known = it == t_codes.end() ? know(f->f_code) : it->second;
    if (!known.users) continue;
    const auto known_line = known.lines.find(f->prev_instr);
    const graph::LineId line =
        known_line == known.lines.end() ? know_line(known, *f) : known_line->second;
    g_last.store(line, std::memory_order_relaxed);
    return line;
  }
  return g_last.load(std::memory_order_relaxed);
}

#else

graph::LineId current_python_line() {
  const PyThreadState* thread = PyGILState_GetThisThreadState();
  if (!thread) return g_last.load(std::memory_order_relaxed);
  const PyGILState_STATE gil = PyGILState_Ensure();
  graph::LineId number = 0;
  PyFrameObject* frame = PyThreadState_GetFrame(PyThreadState_Get());
  while (frame) {
    PyCodeObject* code = PyFrame_GetCode(frame);
    const std::string file = file_of(code);
    if (is_users(file)) number = number_of(file, PyFrame_GetLineNumber(frame));
    Py_DECREF(code);
    PyFrameObject* outer = number ? nullptr : PyFrame_GetBack(frame);
    Py_DECREF(frame);
    frame = outer;
  }
  PyGILState_Release(gil);
  if (number == 0) return g_last.load(std::memory_order_relaxed);
  g_last.store(number, std::memory_order_relaxed);
  return number;
}

#endif

std::string python_line_text(graph::LineId line) {
  const std::lock_guard lock(g_mutex);
  return line >= 1 && line <= g_lines.size() ? g_lines[line - 1] : "";
}

}  // namespace moai::front
