// Holds the rows of ops/sharding to what libtorch's kernels do: every sample is split along every
// factor of its rule that may be split, and put together again.
#include "moai/ops/sharding/rule.h"

#include <iostream>
#include <map>
#include <set>

#include "moai/device/aten/conformance/sharding/samples_testing.h"
#include "moai/ops/sharding/expansion.h"
#include "moai/ops/sharding/match.h"
#include "moai/ops/sharding/rows.h"

namespace moai::device::sharding {
namespace {

class ShardingRuleTest : public Validator {
 protected:
  void SetUp() override {
    Validator::SetUp();
    at::manual_seed(5);
  }

  static std::optional<ops::ShardingRule> rule_of(const Sample& sample) {
    return ops::sharding_rule(sample.signature, sample.words);
  }

  Outcome outcome_of(const ops::Expansion& expansion, const Sample& sample) {
    std::vector<Tensor> given = sample.operands, made;
    for (const ops::Expansion::Step& step : expansion.steps) {
      Sample part{.signature = step.signature, .operands = {}, .words = {}};
      for (const auto& source : step.operands) {
        part.operands.push_back(source.is_made ? made[source.index] : given[source.index]);
      }
      for (const uint32_t word : step.words) part.words.push_back(sample.words[word]);
      const Outcome out = outcome(part);
      if (!out.error.empty())
        return {.error = ops::to_string(step.signature) + out.error, .results = {}};
      const size_t fresh = ops::arity(step.signature).fresh;
      made.insert(made.end(), out.results.begin(),
                  out.results.begin() + static_cast<ptrdiff_t>(fresh));
      if (out.results.size() > fresh) given[step.operands[0].index] = out.results[fresh];
    }
    Outcome whole;
    for (const uint32_t result : expansion.results) whole.results.push_back(made[result]);
    const std::vector<bool> written = ops::written_operands(sample.signature);
    for (size_t i = 0; i < written.size(); ++i) {
      if (written[i]) whole.results.push_back(given[i]);
    }
    return whole;
  }

  // Of a row that is made up.
  static std::optional<ops::ShardingRule> rule_by(const Sample& sample, const std::string& terms,
                                                  const std::string& linear) {
    std::string error;
    const auto form = ops::sharding::form_of(sample.signature, sample.words);
    const auto notation = ops::sharding::parse_notation(terms, &error);
    const auto groups = ops::sharding::parse_linear(linear);
    EXPECT_TRUE(notation) << terms << ": " << error;
    if (!form || !notation || !groups) return std::nullopt;
    return ops::sharding::match(*form, *notation, *groups);
  }
};

TEST_F(ShardingRuleTest, SamplesAreWhatTheirPiecesMake) {
  for (const SampleText& text : all_samples()) {
    const Sample sample = sample_of(text);
    const auto rule = rule_of(sample);
    ASSERT_TRUE(rule) << text.call << " has no rule";
    EXPECT_EQ(fault_of(sample, *rule), "") << text.call << "\n" << ops::to_string(*rule);
  }
}

TEST_F(ShardingRuleTest, FactorsSplitTogether) {
  for (const SampleText& text : all_samples()) {
    const Sample sample = sample_of(text);
    const auto rule = rule_of(sample);
    ASSERT_TRUE(rule) << text.call;
    EXPECT_EQ(pair_fault_of(sample, *rule), "") << text.call << "\n" << ops::to_string(*rule);
  }
}

TEST_F(ShardingRuleTest, EveryRowHasASample) {
  std::set<std::string> sampled;
  for (const SampleText& text : all_samples()) {
    sampled.insert(ops::sharding::row_name(sample_of(text).signature));
  }
  for (const ops::sharding::Row& row : ops::sharding::all_rows()) {
    EXPECT_TRUE(sampled.contains(std::string(row.op))) << row.op << " has no sample";
  }
}

// An expansion is the call, up to last bits.
TEST_F(ShardingRuleTest, ExpansionsAreTheirCalls) {
  std::set<std::string> expanded;
  for (const SampleText& text : all_samples()) {
    const Sample sample = sample_of(text);
    const auto expansion = ops::expand(sample.signature);
    if (!expansion) continue;
    expanded.insert(sample.signature.op);
    const Outcome whole = outcome(sample), steps = outcome_of(*expansion, sample);
    ASSERT_EQ(steps.error, "") << text.call;
    ASSERT_EQ(steps.results.size(), whole.results.size()) << text.call;
    for (size_t r = 0; r < whole.results.size(); ++r) {
      const Tensor& wanted = whole.results[r];
      EXPECT_TRUE(are_close(steps.results[r].reshape(wanted.sizes()), wanted,
                            tolerance_of(sample.operands)))
          << text.call << ", result " << r;
    }
  }
  EXPECT_GE(expanded.size(), 18u);
}

// Told, not required: what could be split beyond what the rules say.
TEST_F(ShardingRuleTest, FrozenFactorsThatSeemToSplitAreTold) {
  std::map<std::string, std::string> told;
  for (const SampleText& text : all_samples()) {
    const Sample sample = sample_of(text);
    const auto rule = rule_of(sample);
    if (!rule || is_arbitrary(sample)) continue;
    for (const size_t f : too_frozen(sample, *rule)) {
      told[text.call] += " " + std::string(1, static_cast<char>('a' + f));
    }
  }
  for (const auto& [call, factors] : told) std::cout << call << ":" << factors << "\n";
}

// Rows as one may get them wrong; each must be found out by the sample of its operator.
TEST_F(ShardingRuleTest, WrongRowsAreFound) {
  struct Mutant {
    SampleText sample;
    const char* terms;
    const char* linear = "";
  };
  const std::vector<Mutant> mutants = {
      {{"aten::mm(f64[4,5], f64[5,6]) -> f64[4,6]"}, "m k, k n -> m n"},
      {{"aten::mm(f64[4,5], f64[5,6]) -> f64[4,6]"}, "m k>, k n -> m n"},
      {{"aten::mm(f64[4,5], f64[5,6]) -> f64[4,6]"}, "m k+, k n -> m n", "0 1"},
      {{"aten::mm(f64[4,4], f64[4,4]) -> f64[4,4]"}, "m k+, n k -> m n"},
      {{"aten::addmm(f64[6], f64[4,5], f64[5,6], word, word) -> f64[4,6]"},
       "~m n, m k+, k n -> m n"},
      {{"aten::addmm(f64[6], f64[4,5], f64[5,6], word, word) -> f64[4,6]"},
       "~m n, m k!, k n -> m n",
       "1"},
      {{"aten::add.Tensor(f64[4,3], f64[3], word) -> f64[4,3]"}, "..., ... -> ...", "0"},
      {{"aten::mul.Tensor(f64[4,3], f64[4,3]) -> f64[4,3]"}, "..., ... -> ...", "0 1"},
      {{"aten::relu(f64[4,3]) -> f64[4,3]"}, "... -> ...", "0"},
      {{"aten::mean.dim(f64[4,3], [1], false, none) -> f64[4]"}, "a b+ -> a"},
      {{"aten::sum.dim_IntList(f64[4,3], [1], false, none) -> f64[4]"}, "a b# -> a"},
      {{"aten::_softmax(f64[4,3], 1, false) -> f64[4,3]"}, "a b -> a b"},
      {{"aten::cumsum(f64[4,3], 0, none) -> f64[4,3]"}, "a b! -> a b"},
      {{"aten::native_layer_norm_backward(f64[4,5], f64[4,5], [5], f64[4,1], f64[4,1], f64[5], "
        "f64[5], bools[true,true,true]) -> f64[4,5], f64[5], f64[5]"},
       "b d!, b d, _, b 1, b 1, d, d -> b d, d, d"},
      {{"aten::native_batch_norm(f64[4,3,5], f64[3], f64[3], f64[3]!, f64[3]!, true, word, word) "
        "-> f64[4,3,5], f64[3], f64[3]"},
       "n c x!, c, c, c, c -> n c x, c, c"},
      {{"aten::convolution(f64[4,3,6,5], f64[5,3,2,2], f64[5], [1,1], [1,1], [1,1], false, [0,0], "
        "1) -> f64[4,5,7,6]"},
       "n c+ x! y!, o c k! l!, o -> n o z! w!"},
      {{"aten::convolution_backward(f64[4,5,5,4], f64[4,3,6,5], f64[5,3,2,2], [5], [1,1], [0,0], "
        "[1,1], false, [0,0], 1, bools[true,true,true]) -> f64[4,3,6,5], f64[5,3,2,2], f64[5]"},
       "n+ o+ y...!, n c+ x...!, o c k...!, =[o] -> n c x..., o c k..., o"},
      {{"aten::embedding(f64[3,4], i64[5,6], -1, false, false) -> f64[5,6,4]"},
       "v d, i j -> i j d"},
      {{"aten::scatter_add(f64[4,3], 1, i64[4,5], f64[4,5]) -> f64[4,3]"},
       "d v!, _, d i+, d i -> d v"},
      {{"aten::native_group_norm(f64[4,6,5], none, none, 4, 6, 5, 3, word) -> f64[4,6,5], "
        "f64[4,3], f64[4,3]"},
       "n (g c!) x!, _, _, =n, =(g c), _, _ -> n (g c) x, n g, n g"},
      {{"aten::cat((f64[4,3], f64[4,3]), 1) -> f64[4,6]"}, "{a g:3; a g} -> a (g k!)"},
      {{"aten::mse_loss_backward(f64[], f64[4,3], f64[4,3], 1) -> f64[4,3]"},
       "..., ..., ... -> ..."},
      {{"aten::linalg_vector_norm(f64[4,3], word, none, false, none) -> f64[]", {2}}, "a+ b+ -> ."},
      {{"aten::_scaled_dot_product_flash_attention(f32[3,4,6,8], f32[3,4,6,8], f32[3,4,6,8], "
        "word, true, false, none) -> f32[3,4,6,8], f32[3,4,6], undefined, undefined, _, _, "
        "u64[2]?, u64[]?, f32[0]?",
        {0}},
       "b h s d!, b h t! d, b h t d -> b h s d, b h s, _, _, _, _, ?, ?, ?"},
  };
  for (const Mutant& mutant : mutants) {
    const Sample sample = sample_of(mutant.sample);
    const auto rule = rule_by(sample, mutant.terms, mutant.linear);
    if (!rule) {
      ADD_FAILURE() << mutant.terms << " does not match " << mutant.sample.call;
      continue;
    }
    EXPECT_NE(fault_of(sample, *rule), "") << mutant.sample.call << ": " << mutant.terms;
  }
}

}  // namespace
}  // namespace moai::device::sharding
