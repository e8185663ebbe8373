// Threads: how many of the device's intra-op threads a call gets.
//
// A small call on several threads waits longer for them than it computes, and they spin for the
// next one, which takes the processor from the script where both share it. So small calls run on
// one thread, if that gives the bits that all threads give.
#pragma once

#include "moai/ops/call.h"

namespace moai::device {

enum class ThreadRule {
  kAll,
  kOne,    // rows are computed each by itself, by whatever thread
  kTrial,  // a small product: on one thread if a trial gives the same bits
};
ThreadRule thread_rule(const ops::CallSignature& signature);

// Of the device; before the first call.
void set_device_threads(int count);
int device_threads();

// For what the calling thread runs from now on: 1 or all. Costs nothing where nothing changes.
void use_threads(int count);

}  // namespace moai::device
