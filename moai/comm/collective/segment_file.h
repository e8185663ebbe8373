// SegmentFile: the file in shared memory that the ranks of a group have in common; internal to the
// shared memory group.
//
// Who comes first makes it, whole, before it has a name; the others find it by that name. Everyone
// who has it open holds a shared lock, so a file without a lock is left over from processes that
// were killed: it is removed by whoever wants the name, or makes another file.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "moai/base/fd.h"
#include "moai/base/status.h"

namespace moai::comm {

class SegmentFile {
 public:
  // Opens `folder`/moai-collective-`name`, or makes it of `bytes` which `prepare` then fills, all
  // zero before. RESOURCE_EXHAUSTED: no room; PERMISSION_DENIED: it is another user's.
  static Result<SegmentFile> open(const std::string& folder, const std::string& name, size_t bytes,
                                  const std::function<void(std::byte*)>& prepare);
  SegmentFile(SegmentFile&& other) noexcept;
  ~SegmentFile();

  std::byte* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  // Takes the name away; the memory lives on until everybody has closed it.
  void unlink() const;

 private:
  SegmentFile(std::string path, Fd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  // Nothing when another took the name first.
  static Result<std::optional<SegmentFile>> make(const std::string& folder, const std::string& path,
                                                 size_t bytes,
                                                 const std::function<void(std::byte*)>& prepare);
  Status map();

  std::string path_;
  Fd fd_;
  std::byte* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace moai::comm
