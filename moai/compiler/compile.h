// The door of the compiler: windows become the programs that Workers execute.
//
// For one device a program is its window: the same calls in the same order on the same storages.
// Thread-safe: nothing is kept between calls.
#pragma once

#include <cstdint>

#include "moai/graph/window.h"
#include "moai/program/program.h"

namespace moai::compiler {

// A program over the window's own storages, to be run once. Releases included.
program::Program lower_streamed(graph::Window window);

// A template: `slots` is a window whose storages are slots, dense from 0 in order of first use, and
// that has no releases. Words and sizes come with each run, so that only their counts are kept.
program::Program lower_template(graph::Window slots);

}  // namespace moai::compiler
