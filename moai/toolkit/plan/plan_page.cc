#include "moai/toolkit/plan/plan_page.h"

#include <algorithm>
#include <cstdio>

#include "moai/toolkit/plan/pipeline_drawing.h"
#include "moai/toolkit/plan/quantities.h"

namespace moai::toolkit {
namespace {

using compiler::StepPrice;
using Row = std::vector<std::string>;

constexpr const char* kStyle = R"(<style>
body { font: 15px/1.5 sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em; color: #222 }
h1 { font-size: 1.4em } h2 { font-size: 1.1em; margin-top: 2em }
table { border-collapse: collapse } td, th { padding: .2em .9em .2em 0; text-align: left }
th { border-bottom: 1px solid #888 }
.bar { display: flex; height: 1.6em; background: #eee; margin: .3em 0 }
.bar div { overflow: hidden; white-space: nowrap; color: #fff; padding-left: .2em }
.key span { display: inline-block; margin-right: 1.2em }
.key i { display: inline-block; width: .8em; height: .8em; margin-right: .3em }
</style>
)";
constexpr const char* kColors[] = {"#3b6ea5", "#5b9a68", "#c78b2d", "#b5513c", "#7d5ba6", "#777"};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string table(const Row& header, const std::vector<Row>& rows) {
  std::string out = "<table><tr>";
  for (const std::string& cell : header) out += "<th>" + escaped(cell) + "</th>";
  out += "</tr>\n";
  for (const Row& row : rows) {
    out += "<tr>";
    for (const std::string& cell : row) out += "<td>" + escaped(cell) + "</td>";
    out += "</tr>\n";
  }
  return out + "</table>\n";
}

// A bar of parts; `whole` is what its width stands for.
struct Piece {
  std::string name{}, text{};
  double size = 0;
};
std::string bar(const std::vector<Piece>& pieces, double whole) {
  std::string parts, key;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const std::string color = kColors[i % std::size(kColors)];
    char width[32];
    std::snprintf(width, sizeof width, "%.3f%%",
                  whole > 0 ? std::min(100.0, 100 * pieces[i].size / whole) : 0);
    parts += "<div style=\"width:" + std::string(width) + ";background:" + color + "\"></div>";
    key += "<span><i style=\"background:" + color + "\"></i>" + escaped(pieces[i].name) + " " +
           escaped(pieces[i].text) + "</span>";
  }
  return "<div class=\"bar\">" + parts + "</div>\n<p class=\"key\">" + key + "</p>\n";
}

std::string head(const PlanReport& r) {
  const StepPrice& best = r.best();
  const std::string title = "Plan for " + escaped(r.script);
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" +
                    title + "</title>\n" + kStyle + "</head><body>\n<h1>" + title + "</h1>\n<p>" +
                    std::to_string(r.cluster.devices()) + " devices of " + escaped(r.cluster.name) +
                    " (" + escaped(r.cluster.device.name) + "): <b>" +
                    escaped(plan_text(best.degrees)) + "</b>, a step in <b>" +
                    seconds_text(best.program.step_s) + "</b>; one device " +
                    seconds_text(r.found.one_device.program.step_s) + "; no plan below " +
                    seconds_text(r.found.lower_bound_s) + ".<br>Bound by " +
                    escaped(binding_constraint(r)) + ".</p>\n";
  for (const std::string& note : notes(r)) out += "<p>Note: " + escaped(note) + ".</p>\n";
  return out;
}

std::string step(const PlanReport& r) {
  std::vector<Piece> pieces;
  for (const Part& p : waterfall(r.best())) {
    pieces.push_back({p.name, seconds_text(p.seconds), p.seconds});
  }
  return "<h2>Where the step goes</h2>\n" + bar(pieces, r.best().program.step_s);
}

std::string memory_of(const compiler::RoleBytes& fullest, uint64_t bytes, uint64_t limit,
                      const std::string& whose) {
  std::vector<Piece> pieces;
  for (const MemoryPart& p : memory_parts(fullest)) {
    pieces.push_back({p.name, bytes_text(p.bytes), static_cast<double>(p.bytes)});
  }
  return "<h2>Memory of " + whose + " when it is fullest: " + bytes_text(bytes) + " of " +
         bytes_text(limit) + "</h2>\n" + bar(pieces, static_cast<double>(std::max(limit, bytes)));
}

std::string each_of(int devices) {
  return devices == 1 ? "the device" : "each of " + std::to_string(devices) + " devices";
}

std::string memory(const PlanReport& r) {
  const auto limit = static_cast<uint64_t>(r.cluster.device.memory_bytes);
  const StepPrice& best = r.best();
  if (best.stages.size() < 2) {
    return memory_of(best.fullest, best.program.memory_bytes_max, limit,
                     each_of(r.cluster.devices()));
  }
  std::string out;
  for (size_t s = 0; s < best.stages.size(); ++s) {
    const compiler::StagePrice& stage = best.stages[s];
    out += memory_of(
        stage.fullest, stage.memory_bytes, limit,
        each_of(best.degrees.ranks() / best.degrees.pp) + " of stage " + std::to_string(s));
  }
  return out;
}

std::string sizes(const std::vector<int64_t>& sizes) {
  std::string out;
  for (const int64_t n : sizes) out += (out.empty() ? "" : " × ") + std::to_string(n);
  return out.empty() ? "1" : out;
}

std::string placements(const PlanReport& r) {
  std::vector<Row> rows;
  for (const compiler::WeightLayout& w : r.found.weights) {
    rows.push_back({line_text(r, w.line), std::string(tensor::dtype_name(w.dtype)), sizes(w.whole),
                    w.whole == w.part ? "whole" : sizes(w.part)});
  }
  return "<h2>Weights, in order of use</h2>\n" +
         table({"Used at", "Type", "Weight", "On a device"}, rows);
}

std::string others(const PlanReport& r) {
  std::vector<Row> rows;
  for (const compiler::FoundPlan& p : r.found.alternatives) {
    rows.push_back({plan_text(p.degrees), seconds_text(p.price.step_s),
                    bytes_text(static_cast<uint64_t>(p.price.memory_bytes)), p.why_not});
  }
  return "<h2>The next of " + std::to_string(r.found.candidates) + " plans</h2>\n" +
         table({"Plan", "Step", "Memory", "Why not"}, rows);
}

std::string unsupported(const PlanReport& r) {
  if (r.best().whole.empty()) return "";
  std::vector<Row> rows;
  for (const compiler::WholeCalls& w : r.best().whole) {
    rows.push_back({w.op, std::to_string(w.calls), seconds_text(w.seconds),
                    seconds_text(w.exchange_s), line_text(r, w.line)});
  }
  return "<h2>Operators without a rule, which every device runs whole</h2>\n" +
         table({"Operator", "Calls", "Time", "Collectives", "Line"}, rows);
}

}  // namespace

std::string plan_page(const PlanReport& r) {
  return head(r) + step(r) + pipeline_drawing(r.found.price) + memory(r) + placements(r) +
         others(r) + unsupported(r) + "</body></html>\n";
}

}  // namespace moai::toolkit
