#include "moai/base/profile.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <mutex>
#include <utility>
#include <vector>

namespace moai::profile {
namespace {

struct Entry {
  SpanKind kind;
  const char* name;
  uint64_t begin_ns, end_ns;
};

struct Thread {
  int64_t id = 0;
  std::vector<Entry> spans{};
  uint64_t lost = 0;
};

std::mutex g_mutex;

// Guarded by g_mutex; they outlive their threads, and this the end of the program.
std::vector<Thread*>& threads() {
  static auto* all = new std::vector<Thread*>;
  return *all;
}

Thread& this_thread() {
  thread_local Thread* mine = [] {
    auto* made = new Thread{.id = ::syscall(SYS_gettid)};
    const std::lock_guard lock(g_mutex);
    threads().push_back(made);
    return made;
  }();
  return *mine;
}

const char* category(SpanKind kind) {
  switch (kind) {
    case SpanKind::kAutograd:
      return "autograd";
    case SpanKind::kCapture:
      return "capture";
    case SpanKind::kEncode:
      return "encode";
    case SpanKind::kSend:
      return "send";
    case SpanKind::kWait:
      return "wait";
    case SpanKind::kStepEnd:
      break;
  }
  return "step";
}

// Names are operators' and ours: nothing in them needs escaping but what would end the string.
std::string quoted(const char* name) {
  std::string text = "\"";
  for (const char* c = name; *c; ++c) {
    if (*c != '"' && *c != '\\' && static_cast<unsigned char>(*c) >= 0x20) text += *c;
  }
  return text + "\"";
}

std::string microseconds(uint64_t ns) {
  const std::string rest = std::to_string(ns % 1000);
  return std::to_string(ns / 1000) + "." + std::string(3 - rest.size(), '0') + rest;
}

std::string event(const Entry& e, int64_t thread) {
  return "{\"name\":" + quoted(e.name) + ",\"cat\":\"" + category(e.kind) +
         "\",\"ph\":\"X\",\"ts\":" + microseconds(e.begin_ns) +
         ",\"dur\":" + microseconds(e.end_ns - e.begin_ns) +
         ",\"pid\":" + std::to_string(::getpid()) + ",\"tid\":" + std::to_string(thread) + "}";
}

}  // namespace

void start() { g_on = true; }

uint64_t now_ns() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

void add(SpanKind kind, const char* name, uint64_t begin_ns, uint64_t end_ns) {
  Thread& thread = this_thread();
  if (thread.spans.size() < kSpansMax) {
    thread.spans.push_back({kind, name, begin_ns, end_ns});
  } else {
    ++thread.lost;
  }
}

Status write_trace(const std::string& path) {
  g_on = false;
  std::ofstream file(path, std::ios::trunc);
  file << "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";
  const std::lock_guard lock(g_mutex);
  const char* separator = "\n";
  uint64_t lost = 0;
  for (const Thread* thread : threads()) {
    lost += thread->lost;
    for (const Entry& entry : thread->spans) {
      file << std::exchange(separator, ",\n") << event(entry, thread->id);
    }
  }
  file << "],\"otherData\":{\"lost\":" << lost << "}}\n";
  file.close();
  return file ? ok_status() : unavailable("[base.profile] cannot write " + path);
}

}  // namespace moai::profile
