#include "moai/compiler/schedule/draw.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

namespace moai::compiler::schedule {
namespace {

char letter_of(Kind kind) {
  switch (kind) {
    case Kind::kForward:
      return 'f';
    case Kind::kBackward:
      return 'b';
    case Kind::kInputGradient:
      return 'i';
    case Kind::kWeightGradient:
      return 'w';
  }
  return '?';
}

// Of each stage, whether it is its device's second, fourth, ... chunk.
std::vector<bool> capitals(const Schedule& schedule) {
  std::vector<bool> result;
  std::vector<size_t> chunks(schedule.devices());
  for (const uint32_t d : schedule.device_of) result.push_back(chunks[d]++ % 2 == 1);
  return result;
}

std::string line_of(const Schedule& schedule, const Simulation& simulation, size_t d,
                    const std::vector<bool>& capital, size_t columns) {
  std::string line(columns, '.');
  const double column_s = simulation.makespan_s / static_cast<double>(columns);
  size_t i = 0;
  size_t shown = schedule.order[d].size();
  for (size_t c = 0; c < columns; ++c) {
    const double middle = (static_cast<double>(c) + 0.5) * column_s;
    const std::vector<Span>& spans = simulation.spans[d];
    while (i < spans.size() && spans[i].end_s <= middle) ++i;
    if (i == spans.size() || spans[i].begin_s > middle) continue;
    const Task& task = schedule.order[d][i];
    const char letter = letter_of(task.kind);
    line[c] = capital[task.stage] ? static_cast<char>(std::toupper(letter)) : letter;
    if (shown != i) line[c] = static_cast<char>('0' + task.micro_batch % 10);
    shown = i;
  }
  return line;
}

std::string percent(double part, int width) {
  char text[32];
  std::snprintf(text, sizeof text, "%*.1f %%", width, 100 * part);
  return text;
}

}  // namespace

std::string draw(const Schedule& schedule, const Simulation& simulation, size_t columns) {
  if (columns == 0 || simulation.makespan_s <= 0) return "";
  const size_t width = std::to_string(schedule.devices() - 1).size();
  const std::vector<bool> capital = capitals(schedule);
  std::string text;
  for (size_t d = 0; d < schedule.devices(); ++d) {
    std::string number = std::to_string(d);
    number.insert(0, width - number.size(), ' ');
    text += "device " + number + " |" + line_of(schedule, simulation, d, capital, columns) + "| " +
            percent(bubble(simulation, StepEnd::kTogether, d), 5) + " idle\n";
  }
  char column[64];
  std::snprintf(column, sizeof column, "%.4g",
                simulation.makespan_s * 1e3 / static_cast<double>(columns));
  return text + "a column is " + column +
         " ms; micro-batch, then f forward, b backward, i input gradient, w weight gradient; "
         "capitals: second chunk; " +
         percent(bubble(simulation, StepEnd::kTogether), 0) + " idle\n";
}

}  // namespace moai::compiler::schedule
