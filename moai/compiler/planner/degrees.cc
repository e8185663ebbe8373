#include "moai/compiler/planner/degrees.h"

#include <charconv>

namespace moai::compiler {

std::string to_string(const Degrees& d) {
  std::string text = "dp" + std::to_string(d.dp) + " tp" + std::to_string(d.tp) + " zero" +
                     std::to_string(d.zero) + (d.sp ? " sp" : "");
  if (d.pp > 1) text += " pp" + std::to_string(d.pp);
  if (d.microbatches > 1) text += " m" + std::to_string(d.microbatches);
  if (d.recompute != Recompute::kNone) text += " recompute=" + std::string(name(d.recompute));
  return d.pp > 1 ? text + " " + to_string(d.schedule) : text;
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
  if (d.tp > 1) mesh.axes.push_back({"tp", d.tp});
  return mesh;
}

}  // namespace moai::compiler
