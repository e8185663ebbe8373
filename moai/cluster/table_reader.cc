#include "moai/cluster/table_reader.h"

#include <algorithm>
#include <charconv>
#include <numeric>

namespace moai::cluster {
namespace {

using Kind = TomlValue::Kind;

std::string quoted(std::string_view name) { return "'" + std::string(name) + "'"; }

std::string decimal(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

// How many letters must be put in, left out or replaced.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

template <class Names>
std::string nearest(const Names& names, std::string_view name) {
  const auto found = std::ranges::min_element(
      names, {}, [&](std::string_view known) { return edit_distance(known, name); });
  return std::string(*found);
}

}  // namespace

void FileErrors::add(int line, std::string_view what) {
  if (!first_.ok()) return;
  first_ = invalid_argument("[cluster.file] " + path_ + ":" + std::to_string(line) + ": " +
                            std::string(what));
}

bool TableReader::has(std::string_view key) const {
  return table_->entries.contains(std::string(key));
}

const TomlValue* TableReader::entry(std::string_view key) {
  asked_.emplace_back(key);
  const auto found = table_->entries.find(asked_.back());
  return found == table_->entries.end() ? nullptr : &found->second;
}

const TomlValue* TableReader::required(std::string_view key, Kind kind, std::string_view article) {
  const TomlValue* value = entry(key);
  if (!value) {
    errors_->add(line(), quoted(key) + " is missing; it is " + std::string(article));
    return nullptr;
  }
  const bool fits = value->kind == kind || (kind == Kind::kNumber && value->kind == Kind::kInteger);
  if (fits) return value;
  errors_->add(value->line, quoted(key) + " must be " + std::string(article));
  return nullptr;
}

double TableReader::in_range(const TomlValue& value, std::string_view key, Range range) {
  if (value.number >= range.min && value.number <= range.max) return value.number;
  errors_->add(value.line, quoted(key) + " is " + decimal(value.number) + "; it goes from " +
                               decimal(range.min) + " to " + decimal(range.max));
  return range.min;
}

double TableReader::number(std::string_view key, Range range) {
  const TomlValue* value = required(key, Kind::kNumber, "a number");
  return value ? in_range(*value, key, range) : range.min;
}

double TableReader::number_or(std::string_view key, double otherwise, Range range) {
  if (has(key)) return number(key, range);
  asked_.emplace_back(key);
  return otherwise;
}

int TableReader::integer(std::string_view key, Range range) {
  const TomlValue* value = required(key, Kind::kInteger, "a whole number");
  return static_cast<int>(value ? in_range(*value, key, range) : range.min);
}

int TableReader::integer_or(std::string_view key, int otherwise, Range range) {
  if (has(key)) return integer(key, range);
  asked_.emplace_back(key);
  return otherwise;
}

std::vector<double> TableReader::numbers(std::string_view key, Range range) {
  std::vector<double> found;
  const TomlValue* value = required(key, Kind::kArray, "a list of numbers");
  if (!value) return found;
  for (const TomlValue& item : value->items) {
    if (item.kind != Kind::kNumber && item.kind != Kind::kInteger) {
      errors_->add(item.line, quoted(key) + " must be a list of numbers");
      return {};
    }
    found.push_back(in_range(item, key, range));
  }
  return found;
}

bool TableReader::flag_or(std::string_view key, bool otherwise) {
  if (!has(key)) {
    asked_.emplace_back(key);
    return otherwise;
  }
  const TomlValue* value = required(key, Kind::kFlag, "true or false");
  return value ? value->flag : otherwise;
}

std::string TableReader::text(std::string_view key) {
  const TomlValue* value = required(key, Kind::kText, "a text");
  if (value && value->text.empty()) errors_->add(value->line, quoted(key) + " is empty");
  return value ? value->text : std::string();
}

size_t TableReader::choice(std::string_view key, std::initializer_list<std::string_view> names) {
  const TomlValue* value = required(key, Kind::kText, "a text");
  if (!value) return 0;
  const auto* found = std::ranges::find(names, std::string_view(value->text));
  if (found != names.end()) return static_cast<size_t>(found - names.begin());
  errors_->add(value->line, quoted(key) + " has no " + quoted(value->text) + "; the nearest is " +
                                quoted(nearest(names, value->text)));
  return 0;
}

TableReader TableReader::table(std::string_view key) {
  static const TomlValue kNothing;
  const TomlValue* value = required(key, Kind::kTable, "a table");
  return TableReader(value ? *value : kNothing, errors_);
}

std::vector<TableReader> TableReader::tables(std::string_view key) {
  std::vector<TableReader> found;
  if (!has(key)) {
    asked_.emplace_back(key);
    return found;
  }
  const TomlValue* value = required(key, Kind::kArray, "a list of tables, each under [[…]]");
  if (!value) return found;
  for (const TomlValue& item : value->items) {
    if (item.kind == Kind::kTable) {
      found.emplace_back(item, errors_);
    } else {
      errors_->add(item.line, quoted(key) + " must be a list of tables, each under [[…]]");
    }
  }
  return found;
}

void TableReader::finish() {
  for (const auto& [key, value] : table_->entries) {
    if (std::ranges::find(asked_, key) != asked_.end()) continue;
    errors_->add(
        value.line,
        "no key " + quoted(key) + " here" +
            (asked_.empty() ? std::string() : "; the nearest is " + quoted(nearest(asked_, key))));
  }
}

}  // namespace moai::cluster
