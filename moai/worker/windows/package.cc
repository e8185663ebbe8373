#include "moai/worker/windows/package.h"

#include <charconv>

namespace moai::worker {
namespace {

std::string_view take(std::string_view* rest, char end) {
  const size_t at = std::min(rest->find(end), rest->size());
  const std::string_view taken = rest->substr(0, at);
  rest->remove_prefix(std::min(at + 1, rest->size()));
  return taken;
}

bool parse(std::string_view line, PackageLayout* layout) {
  const std::string_view kind = take(&line, ' '), number = take(&line, ' ');
  PackageLayout::Item item;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), item.at);
  const auto geometry = tensor::geometry_from_string(line);
  if (error != std::errc() || end != number.data() + number.size() || !geometry) return false;
  item.geometry = *geometry;
  if (item.geometry.sizes.size() > 1 || item.geometry.offset || item.geometry.flags ||
      !tensor::is_contiguous(item.geometry)) {
    return false;
  }
  if (kind == "input") {
    layout->inputs.push_back(std::move(item));
  } else if (kind == "parameter" && item.geometry.sizes.empty()) {
    layout->parameters.push_back(std::move(item));
  } else if (kind == "output") {
    layout->outputs.push_back(std::move(item));
  } else {
    return false;
  }
  return true;
}

}  // namespace

Result<PackageLayout> layout_from_string(std::string_view text) {
  PackageLayout layout;
  while (!text.empty()) {
    const std::string_view line = take(&text, '\n');
    if (!parse(line, &layout)) {
      return data_loss("[worker.package] not a line of a layout: " + std::string(line));
    }
  }
  if (layout.outputs.empty()) return data_loss("[worker.package] a layout without outputs");
  return layout;
}

}  // namespace moai::worker
