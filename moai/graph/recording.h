// Recording: the windows of a script in order, as a file that a planner and tests read.
//
// Text form, one line a node as in windows, and between them
//   line 12 train.py:40            source line 12, before its first use
//   upload s7 4096 0 4096          storage, its bytes, offset, bytes written
//   step                           an optimizer step ended: the border of a window
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moai/base/status.h"
#include "moai/graph/window.h"

namespace moai::graph {

struct Upload {
  size_t before = 0;  // the node of the window that follows
  StorageId storage = 0;
  uint64_t storage_bytes = 0, offset = 0, size = 0;

  bool operator==(const Upload&) const = default;
};

struct RecordedWindow {
  Window window{};
  std::vector<Upload> uploads{};
};

struct Recording {
  std::vector<RecordedWindow>
      windows{};                     // the last one ended with the script, the others with a step
  std::vector<std::string> lines{};  // by LineId; empty where unknown
};

std::string print(const Recording& r, const SignatureTable& signatures);
// INVALID_ARGUMENT with the number of the line that is none, or of the window that does not verify.
Result<Recording> parse_recording(std::string_view text, SignatureTable* signatures);

}  // namespace moai::graph
