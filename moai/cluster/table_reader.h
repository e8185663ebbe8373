// TableReader: the strict way through a TOML table.
//
// Each key is asked for by name, with its range. A key nobody asked for is an error that names the
// nearest known one. The first error of a file is kept in its FileErrors, and reading goes on with
// values from inside the ranges, so a reader is a list of questions and one check at the end:
//
//   FileErrors errors(path);
//   TableReader root(value, &errors);
//   link.latency_s = root.number("latency_us", {0, 1e6}) * 1e-6;
//   root.finish();
//   MOAI_RETURN_IF_ERROR(errors.first());
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "moai/base/status.h"
#include "moai/cluster/toml_value.h"

namespace moai::cluster {

class FileErrors {
 public:
  explicit FileErrors(std::string path) : path_(std::move(path)) {}
  // Keeps the first: "[cluster.file] PATH:LINE: WHAT".
  void add(int line, std::string_view what);
  const Status& first() const { return first_; }

 private:
  std::string path_;
  Status first_;
};

struct Range {
  double min = 0;
  double max = 0;
};

// Value and errors outlive the reader.
class TableReader {
 public:
  TableReader(const TomlValue& table, FileErrors* errors) : table_(&table), errors_(errors) {}

  bool has(std::string_view key) const;
  int line() const { return table_->line; }

  double number(std::string_view key, Range range);
  double number_or(std::string_view key, double otherwise, Range range);
  int integer(std::string_view key, Range range);
  int integer_or(std::string_view key, int otherwise, Range range);
  // An array of numbers.
  std::vector<double> numbers(std::string_view key, Range range);
  bool flag_or(std::string_view key, bool otherwise);
  // Not empty.
  std::string text(std::string_view key);
  // The place in `names` of the text under the key; 0 after an error.
  size_t choice(std::string_view key, std::initializer_list<std::string_view> names);
  TableReader table(std::string_view key);
  // An array of tables; empty without the key.
  std::vector<TableReader> tables(std::string_view key);

  void add_error(std::string_view what) { errors_->add(line(), what); }
  // To be called when everything was asked: refuses what nobody asked for.
  void finish();

 private:
  const TomlValue* entry(std::string_view key);
  const TomlValue* required(std::string_view key, TomlValue::Kind kind, std::string_view article);
  double in_range(const TomlValue& value, std::string_view key, Range range);

  const TomlValue* table_;
  FileErrors* errors_;
  std::vector<std::string> asked_;
};

}  // namespace moai::cluster
