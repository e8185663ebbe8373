#include "moai/ops/sharding/expansion.h"

#include "moai/ops/call_text.h"
#include "moai/ops/sharding/expansion_builder.h"

namespace moai::ops {

std::optional<Expansion> expand(const CallSignature& s) {
  using namespace sharding;
  for (const auto family : {expand_mean, expand_loss, expand_sum_of_product, expand_softmax,
                            expand_batch_norm, expand_lookup}) {
    if (auto made = family(s)) return made;
  }
  return std::nullopt;
}

std::string to_string(const Expansion& expansion, const CallSignature& s) {
  const uint64_t given = arity(s).operands;
  std::string text;
  uint64_t made = given;
  for (const Expansion::Step& step : expansion.steps) {
    std::vector<uint64_t> storages;
    for (const Expansion::Source& source : step.operands) {
      storages.push_back(source.index + (source.is_made ? given : 0));
    }
    for (uint32_t i = 0; i < arity(step.signature).fresh; ++i) storages.push_back(made++);
    text += to_string(step.signature, {.storages = storages, .words = {}, .sigil = '%'}) + "\n";
  }
  return text;
}

}  // namespace moai::ops
