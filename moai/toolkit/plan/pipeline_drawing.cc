#include "moai/toolkit/plan/pipeline_drawing.h"

#include <algorithm>
#include <cstdio>

#include "moai/toolkit/plan/quantities.h"

namespace moai::toolkit {
namespace {

using compiler::schedule::Kind;

constexpr size_t kTasksMax = 20'000;
constexpr double kWidth = 1000;
constexpr double kRow = 18;

struct Look {
  const char* color;
  const char* what;
};

Look look(Kind kind) {
  switch (kind) {
    case Kind::kForward:
      return {"#3b6ea5", "forward"};
    case Kind::kBackward:
      return {"#5b9a68", "backward"};
    case Kind::kInputGradient:
      return {"#5b9a68", "gradients of activations"};
    case Kind::kWeightGradient:
      return {"#c78b2d", "gradients of weights"};
  }
  return {"#777", ""};
}

std::string rectangle(double x, double y, double width, double height, const char* fill,
                      const std::string& title) {
  char text[256];
  std::snprintf(text, sizeof text,
                "<rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" fill=\"%s\">", x, y,
                width, height, fill);
  return text + (title.empty() ? "" : "<title>" + title + "</title>") + "</rect>\n";
}

}  // namespace

std::string pipeline_drawing(const compiler::PipelinePrice& price) {
  const auto& order = price.schedule.order;
  if (order.size() < 2) return "";
  const double whole = std::max(price.simulation.makespan_s, price.step.program.step_s);
  const size_t each = std::max<size_t>(kTasksMax / order.size(), 1);
  const auto devices = static_cast<uint32_t>(order.size());
  std::string out;
  size_t left_out = 0;
  for (size_t s = 0; s < order.size(); ++s) {
    const double y = kRow * static_cast<double>(s);
    out += rectangle(0, y, kWidth, kRow - 2, "#eee", "");
    for (size_t i = 0; i < std::min(order[s].size(), each); ++i) {
      const compiler::schedule::Task& task = order[s][i];
      const auto& span = price.simulation.spans[s][i];
      const std::string title = std::string(look(task.kind).what) + " of micro-batch " +
                                std::to_string(task.micro_batch) + ", part " +
                                std::to_string(task.stage / devices) + ": " +
                                seconds_text(span.end_s - span.begin_s);
      out +=
          rectangle(kWidth * span.begin_s / whole, y, kWidth * (span.end_s - span.begin_s) / whole,
                    kRow - 2, look(task.kind).color, title);
    }
    left_out += order[s].size() - std::min(order[s].size(), each);
  }
  char head[160];
  std::snprintf(head, sizeof head,
                "<svg viewBox=\"0 0 %.0f %.0f\" width=\"100%%\" stroke=\"#fff\" "
                "stroke-width=\"0.3\">\n",
                kWidth, kRow * static_cast<double>(order.size()));
  const std::string rest =
      left_out == 0 ? "" : "<p>" + std::to_string(left_out) + " later passes are not drawn.</p>\n";
  return "<h2>Pipeline: " + std::to_string(order.size()) + " stages in " + seconds_text(whole) +
         "</h2>\n" + head + out + "</svg>\n" + rest;
}

}  // namespace moai::toolkit
