#include "moai/compiler/planner/stage_run.h"

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>

#include "moai/compiler/sharding/placement.h"
#include "moai/ops/call_tensors.h"

namespace moai::compiler {
namespace {

// What a call does with the axis of stages.
struct Message {
  enum class Kind : uint8_t { kNone, kSend, kReceive, kBroadcast };
  Kind kind = Kind::kNone;
  size_t peer = 0;  // the other stage; where a broadcast begins
};

class Run {
 public:
  Run(const std::vector<StageCalls>& stages, const graph::SignatureTable& signatures)
      : stages_(stages), signatures_(signatures), at_(stages.size()), times_(stages.size()) {
    for (size_t s = 0; s < stages.size(); ++s) {
      times_[s].exposed_s.resize(stages[s].program->nodes.size());
    }
  }

  Result<std::vector<StageTime>> run() {
    for (bool goes_on = true; goes_on;) {
      goes_on = false;
      for (size_t s = 0; s < stages_.size(); ++s) {
        while (at_[s] < stages_[s].program->nodes.size() && step(s)) goes_on = true;
      }
    }
    for (size_t s = 0; s < stages_.size(); ++s) {
      if (at_[s] == stages_[s].program->nodes.size()) continue;
      return internal_error("[planner.stages] stage " + std::to_string(s) +
                            " waits for a message that nobody sends");
    }
    return std::move(times_);
  }

 private:
  // False where a message is missing.
  bool step(size_t s) {
    const size_t node = at_[s];
    const graph::Node& n = stages_[s].program->nodes[node];
    const Message m = message(n);
    const double takes = stages_[s].prices[node].exposed_s;
    double& now = times_[s].end_s;
    const double before = now;
    const bool receives =
        m.kind == Message::Kind::kReceive || (m.kind == Message::Kind::kBroadcast && m.peer != s);
    if (receives) {
      std::deque<double>& arrivals = sent_[{m.peer, s}];
      if (arrivals.empty()) return false;
      // What was started comes to an end first.
      now += std::max(0.0, takes - stages_[s].prices[node].seconds);
      const double ready = now;
      now = std::max(now, arrivals.front());
      arrivals.pop_front();
      times_[s].waited_s += now - ready;
    } else {
      now += takes;
    }
    if (m.kind == Message::Kind::kSend) sent_[{s, m.peer}].push_back(now);
    if (m.kind == Message::Kind::kBroadcast && m.peer == s) {
      for (size_t other = 0; other < stages_.size(); ++other) {
        if (other != s) sent_[{s, other}].push_back(now);
      }
    }
    times_[s].exposed_s[node] = now - before;
    ++at_[s];
    return true;
  }

  Message message(const graph::Node& n) {
    if (n.kind != graph::NodeKind::kCall) return {};
    const auto [found, is_new] = messages_.try_emplace(n.signature);
    if (is_new) found->second = read(signatures_.at(n.signature).signature());
    return found->second;
  }
  // Only the axis of stages has messages (lower/lower_rank.h).
  static Message read(const ops::CallSignature& s) {
    using Kind = Message::Kind;
    const Kind kind = s.op == "moai::send"        ? Kind::kSend
                      : s.op == "moai::receive"   ? Kind::kReceive
                      : s.op == "moai::broadcast" ? Kind::kBroadcast
                                                  : Kind::kNone;
    if (kind == Kind::kNone) return {};
    return {kind, static_cast<size_t>(s.args[s.args.size() - 2].ints[0])};
  }

  const std::vector<StageCalls>& stages_;
  const graph::SignatureTable& signatures_;
  std::vector<size_t> at_;
  std::vector<StageTime> times_;
  std::map<std::pair<size_t, size_t>, std::deque<double>> sent_;  // when each is there
  std::unordered_map<graph::SignatureId, Message> messages_;
};

}  // namespace

Result<std::vector<StageTime>> run_stages(const std::vector<StageCalls>& stages,
                                          const graph::SignatureTable& signatures) {
  return Run(stages, signatures).run();
}

}  // namespace moai::compiler
