#include "moai/device/fake/time_table.h"

#include <algorithm>
#include <cstdlib>

#include "moai/ops/call_tensors.h"
#include "moai/ops/call_text.h"

namespace moai::device {
namespace {

struct ClassRow {
  std::string_view part;  // of an operator's name
  std::string_view of;
};
// The first that is part of the name counts.
constexpr ClassRow kClasses[] = {
    {"_foreach_", "list"},      {"_fused_adam", "list"},        {"_amp_", "list"},
    {"attention", "attention"}, {"convolution", "convolution"}, {"addmm", "product"},
    {"::mm", "product"},        {"::bmm", "product"},           {"baddbmm", "product"},
    {"lstm", "elementwise"},    {"softmax", "normalization"},   {"_norm", "normalization"},
    {"embedding", "indexed"},   {"gather", "indexed"},          {"scatter", "indexed"},
    {"index", "indexed"},       {"nll_loss", "indexed"},        {"topk", "indexed"},
    {"sum", "reduction"},       {"mean", "reduction"},          {"amax", "reduction"},
    {"pool", "reduction"},
};

std::string name_of(const ops::CallSignature& s) {
  return s.overload.empty() ? s.op : s.op + "." + s.overload;
}

double elements_of(const ops::CallSignature& s) {
  double sum = 1;
  for (const ops::Arg* a : ops::tensor_operands(s)) {
    sum += static_cast<double>(tensor::element_count(a->geometry));
  }
  for (const ops::Result* r : ops::fresh_results(s)) {
    sum += static_cast<double>(tensor::element_count(r->geometry));
  }
  return sum;
}

}  // namespace

std::string_view operator_class(std::string_view op) {
  for (const ClassRow& row : kClasses) {
    if (op.find(row.part) != std::string_view::npos) return row.of;
  }
  return "elementwise";
}

Result<TimeTable> TimeTable::parse(std::string_view text) {
  TimeTable table;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t tab = line.find('\t');
    if (line.empty() || line[0] == '#' || line[0] == '-') continue;
    const auto call = tab == std::string::npos
                          ? std::nullopt
                          : ops::bound_call_from_string(std::string_view(line).substr(tab + 1));
    const double us = std::strtod(line.c_str(), nullptr);
    if (!call || !(us > 0)) return invalid_argument("[device.fake] no measured call: " + line);
    table.add(call->signature, us * 1e-6);
  }
  for (auto& [op, rows] : table.operators_) std::ranges::sort(rows, {}, &Row::elements);
  return table;
}

void TimeTable::add(const ops::CallSignature& s, double seconds) {
  rows_[ops::to_string(s)] = seconds;
  operators_[name_of(s)].push_back({elements_of(s), seconds});
}

bool TimeTable::measured(const ops::CallSignature& s) const {
  return rows_.contains(ops::to_string(s));
}

Result<double> TimeTable::seconds(const ops::CallSignature& s) const {
  const double times = factor(s.op);
  if (const auto found = rows_.find(ops::to_string(s)); found != rows_.end()) {
    return times * found->second;
  }
  const auto rows = operators_.find(name_of(s));
  if (rows == operators_.end()) {
    return not_found("[device.fake] no time of " + name_of(s) + " was measured");
  }
  const double at = elements_of(s);
  const auto above = std::ranges::lower_bound(rows->second, at, {}, &Row::elements);
  if (above == rows->second.end()) return times * rows->second.back().seconds;
  if (above == rows->second.begin() || above->elements == at) return times * above->seconds;
  const Row& low = *(above - 1);
  const double part = (at - low.elements) / (above->elements - low.elements);
  return times * (low.seconds + part * (above->seconds - low.seconds));
}

void TimeTable::scale(std::string_view operator_class, double factor) {
  factors_[std::string(operator_class)] = factor;
}

double TimeTable::factor(std::string_view op) const {
  const auto found = factors_.find(operator_class(op));
  return found == factors_.end() ? 1 : found->second;
}

}  // namespace moai::device
