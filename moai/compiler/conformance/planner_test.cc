// Plans made from windows alone: what things are, and that every forced plan leaves what one device
// leaves.
#include "moai/compiler/planner/plan_window.h"

#include <algorithm>
#include <map>
#include <set>

#include "moai/compiler/conformance/every_recording.h"
#include "moai/compiler/lower/local_layout.h"

namespace moai::compiler {
namespace {

class Planner : public EveryRecording {
 protected:
  PlannedWindow plan(const Degrees& degrees) { return planner_.plan(degrees); }
  void expect_equal(const PlannedWindow& w, const std::string& what) {
    expect_priced(EveryRecording::expect_equal(*w.analysed, w.plan, what), what);
  }
  // Bytes of the fullest rank in segments of a role that live on.
  static int64_t kept_bytes(const PlannedWindow& w, Role role) {
    const ValueGraph& g = w.analysed->graph;
    std::map<SegmentId, int64_t> bytes;
    const auto add = [&](RegisterId r) {
      const SegmentId s = g.values[w.program.registers[r].value].segment;
      if (w.roles.segments[s] != role || g.segments[s].released) return;
      const LocalLayout local(g, w.analysed->factors, w.program.mesh, s,
                              w.program.registers[r].placement, 0);
      bytes[s] = local.count() * static_cast<int64_t>(tensor::dtype_size(g.segments[s].dtype));
    };
    std::ranges::for_each(w.program.inputs, add);
    std::ranges::for_each(w.program.outputs, add);
    int64_t sum = 0;
    for (const auto& [s, n] : bytes) sum += n;
    return sum;
  }
  // Operators whose operands are gathered or exchanged, once each.
  static std::string readers_of_gathers(const PlannedWindow& w) {
    std::set<std::string> ops;
    for (const Step& step : w.program.steps) {
      const auto* move = std::get_if<MoveStep>(&step);
      if (!move) continue;
      if (move->kind != MoveKind::kAllGather && move->kind != MoveKind::kAllToAll) continue;
      const bool last = move->reader == kNone;
      ops.insert(last ? "end" : w.analysed->graph.nodes[move->reader].signature.op);
    }
    std::string out;
    for (const std::string& op : ops) out += op + " ";
    return out;
  }

  WindowPlanner planner_{golden_.recorded->window, golden_.data, kFirstTemporary,
                         &golden_.signatures};
};

// By name: how many segments of each role, then sizes of the factors that were found.
const std::map<std::string, std::string> kFound{
    {"mlp",
     "4 parameter, 8 state, 4 gradient, 2 data; 5 forward, 9 backward, 46 optimizer; "
     "batch 7; tensor 10"},
    {"cnn",
     "7 parameter, 7 state, 3 buffer, 7 gradient, 2 data; 11 forward, 13 backward, 41 optimizer; "
     "batch 5; tensor 8 4"},
    {"gpt",
     "28 parameter, 56 state, 30 gradient, 2 data; 56 forward, 65 backward, 287 optimizer; "
     "batch 6; sequence 8; tensor 64 64 4 4 36"},
    {"llama",
     "12 parameter, 24 state, 12 gradient, 2 data, 2 constant; 58 forward, 99 backward, "
     "126 optimizer; batch 6; sequence 8; tensor 24 2 36"},
    {"bert",
     "26 parameter, 52 state, 28 gradient, 3 data; 40 forward, 52 backward, 267 optimizer; "
     "batch 6; sequence 8; tensor 48 4 36"},
    {"vit",
     "21 parameter, 42 state, 21 gradient, 2 data; 25 forward, 45 backward, 216 optimizer; "
     "batch 7; tensor 48 4 3 5"},
    {"experts",
     "7 parameter, 14 state, 7 gradient, 2 data; 25 forward, 42 backward, 76 optimizer; "
     "batch 6; sequence 8; tensor 4 36"},
    {"lstm",
     "6 parameter, 15 state, 30 gradient, 2 data; 37 forward, 54 backward, 102 optimizer; "
     "batch 6; tensor 36 16"},
    {"fused",
     "4 parameter, 12 state, 4 gradient, 2 data; 5 forward, 9 backward, 22 optimizer; "
     "batch 7; tensor 10"},
    {"evaluation",
     "10 parameter, 4 data, 6 constant; 67 forward, 0 backward, 0 optimizer; batch 6 6; "
     "sequence 8 8; tensor 64 4 36"},
    {"pieces",
     "16 parameter, 32 state, 18 gradient, 1 data; 33 forward, 37 backward, 167 optimizer; "
     "batch 6; sequence 8; tensor 64 4 36"},
    {"accumulation",
     "16 parameter, 33 state, 2 buffer, 35 gradient, 4 data, 1 constant; 70 forward, "
     "78 backward, 207 optimizer; batch 5 5; sequence 8 8; tensor 64 4 36"},
};

TEST_P(Planner, FindsWhatThingsAre) {
  const Analysed& w = *golden_.recorded;
  const Roles roles = find_roles(w.graph, w.factors, golden_.data);
  std::string found;
  for (const Role role : {Role::kParameter, Role::kState, Role::kBuffer, Role::kGradient,
                          Role::kData, Role::kConstant}) {
    const auto n = std::ranges::count(roles.segments, role);
    if (n == 0) continue;
    found += (found.empty() ? "" : ", ") + std::to_string(n) + " " + std::string(name(role));
  }
  const auto calls = [&](Slice s) { return std::to_string(std::ranges::count(roles.nodes, s)); };
  found += "; " + calls(Slice::kForward) + " forward, " + calls(Slice::kBackward) + " backward, " +
           calls(Slice::kOptimizer) + " optimizer";
  const auto add = [&](const std::string& what, const std::vector<FactorId>& factors) {
    if (!factors.empty()) found += "; " + what;
    for (const FactorId f : factors) found += " " + std::to_string(w.factors.size(f));
  };
  add("batch", roles.batch);
  add("sequence", roles.sequence);
  add("tensor", TensorFactors(w.graph, w.factors, roles).choose(2));
  EXPECT_EQ(found, kFound.at(GetParam()));
}

TEST_P(Planner, EveryForcedPlanEqualsOneDevice) {
  for (int dp = 1; dp <= 6; ++dp) {
    for (int tp = 1; dp * tp <= 6; ++tp) {
      for (int zero = 0; zero <= (dp > 1 ? 3 : 0); ++zero) {
        const Degrees degrees{dp, tp, zero};
        expect_equal(plan(degrees), to_string(degrees));
      }
    }
  }
}

TEST_P(Planner, SequenceParallelEqualsOneDevice) {
  for (const int tp : {2, 3}) {
    const Degrees degrees{2, tp, 0, true};
    expect_equal(plan(degrees), to_string(degrees));
  }
}

TEST_P(Planner, SplitContextEqualsOneDevice) {
  for (const Degrees& degrees :
       {Degrees{.cp = 2}, Degrees{.cp = 3}, Degrees{.cp = 4}, Degrees{.dp = 2, .cp = 2},
        Degrees{.dp = 2, .cp = 3}, Degrees{.tp = 2, .cp = 2}, Degrees{.tp = 2, .cp = 3},
        Degrees{.zero = 1, .cp = 2}, Degrees{.zero = 3, .cp = 3},
        Degrees{.dp = 2, .zero = 2, .cp = 2}, Degrees{.dp = 2, .zero = 3, .cp = 2},
        Degrees{.dp = 2, .tp = 2, .zero = 1, .cp = 2}}) {
    expect_equal(plan(degrees), to_string(degrees));
  }
}

// But for attention, and for what reads a piece of the sequence.
TEST_P(Planner, SplitContextExchangesAroundAttention) {
  const std::map<std::string, std::string> needs{
      {"gpt", "aten::bmm aten::mm "},
      {"llama 2", "aten::bmm aten::mm "},
      // Two heads of keys are not enough for four ranks: scores go to shares of the batch.
      {"llama 4", "aten::add aten::bmm aten::mm aten::mul "},
      {"bert", "aten::add_ aten::bmm aten::mm "},  // a mask over keys
      {"evaluation", "aten::bmm aten::mm "},
      {"accumulation", "aten::bmm aten::mm "},
      {"pieces", "aten::bmm aten::mm "},
  };
  for (const int cp : {2, 4}) {
    const PlannedWindow w = plan({.cp = cp});
    auto expected = needs.find(GetParam());
    if (expected == needs.end()) expected = needs.find(GetParam() + (" " + std::to_string(cp)));
    EXPECT_EQ(readers_of_gathers(w), expected == needs.end() ? "" : expected->second)
        << cp << "\n"
        << print(w.analysed->graph, w.program);
  }
}

// Products are shared as the sequence is.
TEST_P(Planner, SplitContextSharesProducts) {
  const auto flops = [&](const Degrees& degrees) {
    const PlannedWindow w = plan(degrees);
    return EveryRecording::expect_equal(*w.analysed, w.plan, to_string(degrees))
        .ranks[0]
        .price.flops;
  };
  const bool any = !planner_.roles().sequence.empty();
  EXPECT_LE(flops({.cp = 2}), flops({}) * (any ? 0.51 : 1));
}

// Sums of gradients are few calls, on two axes as on one.
TEST_P(Planner, SplitContextBundlesSums) {
  const PlannedWindow w = plan({.dp = 2, .cp = 2});
  const auto run = EveryRecording::expect_equal(*w.analysed, w.plan, "dp 2, cp 2");
  const PlannedWindow along_dp = plan({.dp = 2});
  const auto without = EveryRecording::expect_equal(*along_dp.analysed, along_dp.plan, "dp 2");
  const auto sums = [](const PlanRun& r, size_t axis) {
    return r.ranks[0].price.axes[axis].collectives;
  };
  EXPECT_LE(sums(run, 0), sums(without, 0) + 4);
}

TEST_P(Planner, DataParallelGathersNothing) {
  const PlannedWindow w = plan({.dp = 2});
  EXPECT_EQ(readers_of_gathers(w), "") << print(w.analysed->graph, w.program);
}

// But for what has no rule, and for routes, which are over all experts.
TEST_P(Planner, TensorParallelGathersNothing) {
  const std::map<std::string, std::string> needs{
      {"experts", "aten::add_ aten::gather aten::mm aten::mul aten::topk "},
  };
  const PlannedWindow w = plan({.tp = 2});
  EXPECT_EQ(readers_of_gathers(w), needs.contains(GetParam()) ? needs.at(GetParam()) : "")
      << print(w.analysed->graph, w.program);
}

TEST_P(Planner, ShardedOptimizersStoreLess) {
  std::vector<PlannedWindow> by_zero;
  for (int zero = 0; zero <= 3; ++zero) by_zero.push_back(plan({.dp = 2, .zero = zero}));
  const auto less = [&](int zero, Role role) {
    const int64_t before = kept_bytes(by_zero[0], role);
    const int64_t after = kept_bytes(by_zero[static_cast<size_t>(zero)], role);
    EXPECT_LE(after, before * 3 / 5) << name(role) << " with zero " << zero;
  };
  less(1, Role::kState);
  less(2, Role::kGradient);
  less(3, Role::kParameter);
}

INSTANTIATE_TEST_SUITE_P(Windows, Planner,
                         testing::Values("mlp", "cnn", "gpt", "llama", "bert", "vit", "experts",
                                         "lstm", "fused", "evaluation", "accumulation", "pieces"),
                         recording_name);

}  // namespace
}  // namespace moai::compiler
