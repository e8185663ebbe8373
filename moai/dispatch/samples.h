// Samples of every message, for tests of the codec and as first inputs of its fuzzer.
#pragma once

#include <vector>

#include "moai/dispatch/messages.h"

namespace moai::dispatch {

std::vector<Message> samples();

}  // namespace moai::dispatch
