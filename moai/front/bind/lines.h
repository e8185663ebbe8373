// Lines of the user's program, found without taking the GIL where the interpreter's frames can be
// read by the thread that they belong to.
//
// A line of the user is the innermost frame whose file lies neither in torch nor in this package.
#pragma once

#include <string>
#include <vector>

#include "moai/graph/window.h"

namespace moai::front {

// Files under these folders are not the user's. Once, with the GIL held.
void set_library_folders(std::vector<std::string> folders);

// On a thread that runs no Python of the user, the line last seen on another; 0 before the first.
graph::LineId current_python_line();

// "train.py:12"; empty for an unknown line.
std::string python_line_text(graph::LineId line);

}  // namespace moai::front
