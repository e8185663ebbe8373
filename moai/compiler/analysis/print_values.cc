#include <string>

#include "moai/compiler/analysis/import_window.h"

namespace moai::compiler {
namespace {

std::string text(Block b) { return std::to_string(b.radix()) + "@" + std::to_string(b.low); }

std::string text(const ViewDim& d) {
  switch (d.kind) {
    case ViewDim::Kind::kUnit:
      return "1";
    case ViewDim::Kind::kBroadcast:
      return "*" + std::to_string(d.length);
    case ViewDim::Kind::kWhole:
      return text(d.block);
    case ViewDim::Kind::kSlice:
      return std::to_string(d.start) + "+" + std::to_string(d.length) +
             (d.step == 1 ? "" : "x" + std::to_string(d.step)) + "/" + text(d.block);
  }
  return "?";
}

std::string text(const View& view) {
  std::string out = "[";
  for (const ViewDim& d : view.dims) out += (out.size() > 1 ? " " : "") + text(d);
  out += "]";
  for (const Selected& s : view.selected) {
    out += "(" + std::to_string(s.index) + "/" + text(s.block) + ")";
  }
  return out;
}

class Printer {
 public:
  explicit Printer(const ValueGraph& g) : graph_(g) {}

  std::string name(ValueId id) const {
    const Value& v = graph_.values[id];
    return std::to_string(v.segment) + "." + std::to_string(v.version);
  }
  std::string use(const Use& u, bool is_operand) const {
    if (u.value == kNone && u.made == kNone) return "-";
    std::string out;
    if (u.value != kNone) out += name(u.value);
    if (u.made != kNone) out += (is_operand ? ">" : "") + name(u.made);
    return out + (u.view ? text(*u.view) : "[opaque]");
  }
  std::string segment(SegmentId id) const {
    const Segment& s = graph_.segments[id];
    std::string out = std::to_string(id) + " = s" + std::to_string(s.storage) + " ";
    out += std::string(tensor::dtype_name(s.dtype)) + " " + std::to_string(s.begin) + "+";
    out += std::to_string(s.count);
    return out + (s.opaque ? " opaque" : "") + (s.released ? " released" : "");
  }
  std::string node(const ValueNode& n) const {
    std::string out = n.signature.op;
    if (!n.signature.overload.empty()) out += "." + n.signature.overload;
    for (const Use& u : n.operands) out += " " + use(u, true);
    if (!n.results.empty()) out += " ->";
    for (const Use& u : n.results) out += " " + use(u, false);
    return out;
  }

 private:
  const ValueGraph& graph_;
};

}  // namespace

std::string print(const ValueGraph& g) {
  const Printer printer(g);
  std::string out;
  for (SegmentId s = 0; s < g.segments.size(); ++s) out += printer.segment(s) + "\n";
  for (const ValueNode& n : g.nodes) out += printer.node(n) + "\n";
  out += "out";
  for (const ValueId v : g.outputs) out += " " + printer.name(v);
  return out + "\n";
}

}  // namespace moai::compiler
