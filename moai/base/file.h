// Whole files: read at once, written so that no reader sees a part.
//
// Any thread may call. Errors name the path and the system's reason: kNotFound (no such file or
// folder), kPermissionDenied, kResourceExhausted (full disk, quota), else kUnavailable.
#pragma once

#include <string>
#include <string_view>

#include "moai/base/status.h"

namespace moai {

struct WriteOptions {
  unsigned mode = 0644;  // as in chmod
  bool synced = false;   // on the disk, its name too, when the call returns
};

// Writes beside the file and renames: readers see all of it or what was there before, and so does
// who fails. Two writers of one path do not mix; the later wins.
Status write_file(const std::string& path, std::string_view bytes, WriteOptions options = {});

Result<std::string> read_file(const std::string& path);

}  // namespace moai
