#include "moai/compiler/planner/degrees.h"

#include <algorithm>
#include <charconv>

namespace moai::compiler {
namespace {

// What follows `key`, a number of at least `least`.
bool read_number(std::string_view word, std::string_view key, int least, int most, int* out) {
  if (!word.starts_with(key)) return false;
  word.remove_prefix(key.size());
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), *out);
  return error == std::errc() && end == word.data() + word.size() && *out >= least && *out <= most;
}

// One word of the text of degrees.
bool read_word(std::string_view word, Degrees* d) {
  constexpr int kMost = 1 << 20;
  constexpr std::string_view kRecompute = "recompute=";
  if (word == "sp") return d->sp = true;
  if (word.starts_with(kRecompute)) {
    const auto r = recompute_from_string(word.substr(kRecompute.size()));
    return r && (d->recompute = *r, true);
  }
  if (read_number(word, "dp", 1, kMost, &d->dp) || read_number(word, "tp", 1, kMost, &d->tp) ||
      read_number(word, "zero", 0, 3, &d->zero) || read_number(word, "pp", 1, kMost, &d->pp) ||
      read_number(word, "cp", 1, kMost, &d->cp) ||
      read_number(word, "m", 1, kMost, &d->microbatches)) {
    return true;
  }
  const auto schedule = schedule_from_string(word);
  return schedule && (d->schedule = *schedule, true);
}

}  // namespace

std::string to_string(const Degrees& d) {
  std::string text = "dp" + std::to_string(d.dp) + " tp" + std::to_string(d.tp) + " zero" +
                     std::to_string(d.zero) + (d.sp ? " sp" : "");
  if (d.cp > 1) text += " cp" + std::to_string(d.cp);
  if (d.pp > 1) text += " pp" + std::to_string(d.pp);
  if (d.microbatches > 1) text += " m" + std::to_string(d.microbatches);
  if (d.recompute != Recompute::kNone) text += " recompute=" + std::string(name(d.recompute));
  return d.pp > 1 ? text + " " + to_string(d.schedule) : text;
}

std::optional<Degrees> degrees_from_string(std::string_view text) {
  Degrees d;
  const std::string_view whole = text;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (!read_word(word, &d)) return std::nullopt;
  }
  // What is missing, out of order or said twice is not how degrees are written.
  if (to_string(d) != whole) return std::nullopt;
  return d;
}

std::string_view name(Recompute r) {
  switch (r) {
    case Recompute::kNone:
      return "none";
    case Recompute::kSelective:
      return "selective";
    case Recompute::kFull:
      return "full";
  }
  return "none";
}

std::optional<Recompute> recompute_from_string(std::string_view text) {
  for (const Recompute r : {Recompute::kNone, Recompute::kSelective, Recompute::kFull}) {
    if (name(r) == text) return r;
  }
  return std::nullopt;
}

std::string to_string(const PipelineSchedule& s) {
  switch (s.kind) {
    case PipelineSchedule::Kind::kOneForwardOneBackward:
      return "1f1b";
    case PipelineSchedule::Kind::kInterleaved:
      return "interleaved:" + std::to_string(s.chunks);
    case PipelineSchedule::Kind::kZeroBubble:
      return "zb";
  }
  return "1f1b";
}

std::optional<PipelineSchedule> schedule_from_string(std::string_view text) {
  using Kind = PipelineSchedule::Kind;
  if (text == "1f1b") return PipelineSchedule{};
  if (text == "zb") return PipelineSchedule{.kind = Kind::kZeroBubble};
  constexpr std::string_view kInterleaved = "interleaved:";
  if (!text.starts_with(kInterleaved)) return std::nullopt;
  text.remove_prefix(kInterleaved.size());
  PipelineSchedule s{.kind = Kind::kInterleaved};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), s.chunks);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || s.chunks < 2 || s.chunks > 64) return std::nullopt;
  return s;
}

Mesh mesh_of(const Degrees& d) {
  Mesh mesh;
  if (d.pp > 1) mesh.axes.push_back({"pp", d.pp});
  if (d.dp > 1) mesh.axes.push_back({"dp", d.dp});
  if (d.cp > 1) mesh.axes.push_back({"cp", d.cp});
  if (d.tp > 1) mesh.axes.push_back({"tp", d.tp});
  return mesh;
}

}  // namespace moai::compiler
