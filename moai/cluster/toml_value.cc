#include "moai/cluster/toml_value.h"

#include <utility>

// The parser asserts, or under NDEBUG assumes, that a key follows "[" before it reports that none
// does. What it then reports is right.
#undef NDEBUG
#define TOML_ASSERT(condition) static_assert(true)
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace moai::cluster {
namespace {

constexpr size_t kBytesMax = 4 << 20;

Status refusal(const std::string& path, int line, std::string_view what) {
  return invalid_argument("[cluster.file] " + path + ":" + std::to_string(line) + ": " +
                          std::string(what));
}

int line_of(const toml::source_region& source) { return static_cast<int>(source.begin.line); }

// Nesting is bounded by the parser.
Result<TomlValue> converted(const toml::node& node, const std::string& path) {
  TomlValue value;
  value.line = line_of(node.source());
  if (const toml::table* table = node.as_table()) {
    for (const auto& [key, entry] : *table) {
      MOAI_ASSIGN_OR_RETURN(TomlValue inner, converted(entry, path));
      // A table made by its header alone begins where its name stands.
      if (inner.line == 0) inner.line = line_of(key.source());
      value.entries.emplace(std::string(key.str()), std::move(inner));
    }
    return value;
  }
  if (const toml::array* array = node.as_array()) {
    value.kind = TomlValue::Kind::kArray;
    for (const toml::node& item : *array) {
      MOAI_ASSIGN_OR_RETURN(TomlValue inner, converted(item, path));
      value.items.push_back(std::move(inner));
    }
    return value;
  }
  if (const auto* text = node.as_string()) {
    value.kind = TomlValue::Kind::kText;
    value.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    value.kind = TomlValue::Kind::kInteger;
    value.integer = integer->get();
    value.number = static_cast<double>(value.integer);
  } else if (const auto* number = node.as_floating_point()) {
    value.kind = TomlValue::Kind::kNumber;
    value.number = number->get();
  } else if (const auto* flag = node.as_boolean()) {
    value.kind = TomlValue::Kind::kFlag;
    value.flag = flag->get();
  } else {
    return refusal(path, value.line, "dates have no meaning here; leave it out");
  }
  return value;
}

}  // namespace

Result<TomlValue> toml_from_string(std::string_view text, const std::string& path) {
  if (text.size() > kBytesMax) {
    return refusal(path, 1, "the file is larger than 4 MiB; is it the right one?");
  }
  const toml::parse_result parsed = toml::parse(text, std::string_view(path));
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return refusal(path, line_of(error.source()), error.description());
  }
  return converted(parsed.table(), path);
}

}  // namespace moai::cluster
