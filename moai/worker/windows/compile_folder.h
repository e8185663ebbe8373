// CompileFolder: where requests to the compile service and what became of them lie.
// docs/formats/compiled.md.
//
// A key names a request by its content, so what was compiled for one job serves all of this node.
#pragma once

#include <memory>
#include <string>

#include "moai/base/status.h"
#include "moai/worker/windows/package.h"

namespace moai::worker {

// How a Worker gets windows compiled.
struct CompileSite {
  std::string folder{};         // of the agent; empty: nothing is compiled
  std::string why_not{};        // then: the reason
  std::string torch_version{};  // "2.13.0"
  std::string processor{};      // what packages are made for
  int threads = 1;
  PackageLoader* loader = nullptr;  // outlives all who use it
};

class CompileFolder {
 public:
  explicit CompileFolder(const CompileSite& site) : site_(site) {}

  // Where a request stands. FAILED_PRECONDITION: it cannot be compiled, or was found wrong.
  struct Found {
    std::unique_ptr<Package> package;  // null: not yet
    uint64_t compile_ms = 0;
  };
  // The key of a request, which is written unless its outcome is there already.
  Result<std::string> ask(const std::string& request);
  Result<Found> look(const std::string& key);
  // The package is wrong: no Worker loads it any more.
  void condemn(const std::string& key, const std::string& reason);

 private:
  std::string path(const std::string& key, const char* kind) const {
    return site_.folder + "/" + key + kind;
  }
  const CompileSite site_;
};

}  // namespace moai::worker
