// Profile: what this process did when, for one who asked; a branch where nobody did.
//
// Each thread keeps its own spans, at most kSpansMax of them; later ones are counted as lost. The
// trace is Chrome's and Perfetto's: written once, while no span is being added.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "moai/base/status.h"

namespace moai {

enum class SpanKind : uint8_t {
  kAutograd,  // torch computes gradients: operators of the script, and torch's own work
  kCapture,   // an operator becomes a recorded call
  kEncode,    // of that: it goes into window and template
  kSend,      // recorded calls become messages and leave
  kWait,      // the script waits for the device
  kStepEnd,   // an optimizer's step ended, and the courier is woken
};

namespace profile {

inline constexpr size_t kSpansMax = size_t{1} << 20;

inline std::atomic<bool> g_on{false};
inline bool on() { return g_on.load(std::memory_order_relaxed); }
void start();

uint64_t now_ns();
// `name` lives until the trace was written.
void add(SpanKind kind, const char* name, uint64_t begin_ns, uint64_t end_ns);
// Stops and writes.
Status write_trace(const std::string& path);

}  // namespace profile

// A span of its own life.
class Span {
 public:
  Span(SpanKind kind, const char* name)
      : kind_(kind), name_(name), begin_ns_(profile::on() ? profile::now_ns() : 0) {}
  ~Span() {
    if (begin_ns_ && profile::on()) profile::add(kind_, name_, begin_ns_, profile::now_ns());
  }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

 private:
  const SpanKind kind_;
  const char* const name_;
  const uint64_t begin_ns_;
};

}  // namespace moai
