// CompileService: the process that compiles what this node's Workers ask for.
// docs/formats/compiled.md.
//
// Workers write requests into a folder; advance() starts the service when there is one and none
// runs. It ends by itself when it is idle. What it cannot even start with, its requests are told.
// One thread owns it; nothing blocks.
#pragma once

#include <string>
#include <vector>

#include "moai/base/process.h"
#include "moai/base/status.h"

namespace moai::agent {

struct CompileServiceOptions {
  std::string python;  // empty: never starts
  std::string folder;
  std::string log_path;
};

class CompileService {
 public:
  explicit CompileService(CompileServiceOptions options) : options_(std::move(options)) {}
  // Ends the service.
  ~CompileService();
  CompileService(const CompileService&) = delete;
  CompileService& operator=(const CompileService&) = delete;

  void advance();
  bool running() const { return pid_ != 0; }

 private:
  std::vector<std::string> waiting() const;
  void start();
  void take_end();
  void refuse(const std::string& why);

  const CompileServiceOptions options_;
  int64_t pid_ = 0;
};

}  // namespace moai::agent
