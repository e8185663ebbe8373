// TimeTable: measured seconds of operator calls, by their signatures.
//
// Text form, a line a call: microseconds (more numbers may follow), a tab, the call
// (docs/formats/call.md), as `moai-measure calls` prints it; lines that begin with "#" say where it
// was measured.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "moai/base/status.h"
#include "moai/ops/call.h"

namespace moai::device {

// What an operator is, for people: "product", "convolution", "attention", "list", "normalization",
// "indexed", "reduction", "elementwise".
std::string_view operator_class(std::string_view op);

class TimeTable {
 public:
  static Result<TimeTable> parse(std::string_view text);

  // That of the call, or where it was not measured the line through the two calls of its operator
  // that are next to it by the elements of all their tensors. NOT_FOUND for other operators.
  Result<double> seconds(const ops::CallSignature& s) const;
  bool measured(const ops::CallSignature& s) const;
  // All calls of the class take so many times as long from now on.
  void scale(std::string_view operator_class, double factor);
  size_t size() const { return rows_.size(); }

 private:
  struct Row {
    double elements = 0, seconds = 0;
  };

  void add(const ops::CallSignature& s, double seconds);
  double factor(std::string_view op) const;

  std::unordered_map<std::string, double> rows_;  // by signature
  std::map<std::string, std::vector<Row>, std::less<>> operators_;
  std::map<std::string, double, std::less<>> factors_;
};

}  // namespace moai::device
