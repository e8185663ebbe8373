#include "moai/worker/windows/compile_folder.h"

#include <filesystem>
#include <fstream>
#include <optional>

#include "moai/base/file.h"
#include "moai/base/log.h"
#include "moai/identity/digest.h"

namespace moai::worker {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRequest = ".request";
constexpr const char* kPackage = ".package";
constexpr const char* kFailed = ".failed";
// Begins a reason that lies in this machine: it may be another one by now.
constexpr std::string_view kHere = "here: ";

std::optional<std::string> first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!file || !std::getline(file, line)) return std::nullopt;
  return line;
}

}  // namespace

Result<std::string> CompileFolder::ask(const std::string& request) {
  const std::string key = identity::digest_hex(request);
  std::error_code error;
  const auto failed = first_line(path(key, kFailed));
  if (failed && failed->starts_with(kHere)) fs::remove(path(key, kFailed), error);
  if (failed && !failed->starts_with(kHere)) return key;
  if (fs::exists(path(key, kPackage), error)) {
    // What was used last stays longest.
    fs::last_write_time(path(key, kPackage), fs::file_time_type::clock::now(), error);
    return key;
  }
  MOAI_RETURN_IF_ERROR(write_file(path(key, kRequest), request));
  return key;
}

Result<CompileFolder::Found> CompileFolder::look(const std::string& key) {
  if (const auto failed = first_line(path(key, kFailed))) return failed_precondition(*failed);
  const std::string folder = path(key, kPackage);
  std::error_code error;
  Found found;
  if (!fs::exists(folder, error)) return found;
  MOAI_ASSIGN_OR_RETURN(found.package, site_.loader->load(folder));
  const double seconds =
      std::strtod(first_line(folder + "/seconds").value_or("0").c_str(), nullptr);
  found.compile_ms = static_cast<uint64_t>(seconds * 1000);
  return found;
}

void CompileFolder::condemn(const std::string& key, const std::string& reason) {
  const Status status = write_file(path(key, kFailed), reason + "\n");
  if (!status.ok()) log_warning(status.message());
  std::error_code error;
  fs::remove_all(path(key, kPackage), error);
}

}  // namespace moai::worker
