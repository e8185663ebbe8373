#include "moai/ops/share.h"

#include <algorithm>

#include "moai/ops/call_build.h"
#include "moai/ops/call_tensors.h"
#include "moai/ops/facts.h"

namespace moai::ops {
namespace {

constexpr std::string_view kName = "share";
constexpr int64_t kElementsMax = int64_t{1} << 55;

bool has_generator(const Arg& arg) {
  return arg.kind == ArgKind::kGenerator || std::ranges::any_of(arg.items, has_generator);
}

// What the call draws: its first result, or the first that it writes.
const tensor::Geometry* drawn(const CallSignature& s) {
  const auto fresh = fresh_results(s);
  if (!fresh.empty()) return &fresh[0]->geometry;
  for (const Arg* a : tensor_operands(s)) {
    if (a->written) return &a->geometry;
  }
  return nullptr;
}

// Whether the three lists are those of a part of `elements`.
bool is_part(const std::vector<Arg>& items, int64_t elements) {
  if (items.size() != 4) return false;
  const auto is_list = [](const Arg& a) { return a.kind == ArgKind::kIntList; };
  if (!std::all_of(items.begin() + 1, items.end(), is_list)) return false;
  const std::vector<int64_t>&whole = items[1].ints, &begin = items[2].ints, &size = items[3].ints;
  if (whole.size() != begin.size() || whole.size() != size.size()) return false;
  int64_t all = 1, part = 1;
  for (size_t i = 0; i < whole.size(); ++i) {
    if (whole[i] < 1 || whole[i] > kElementsMax / all) return false;
    if (size[i] < 1 || begin[i] < 0 || begin[i] > whole[i] - size[i]) return false;
    all *= whole[i];
    part *= size[i];
  }
  return part == elements;
}

}  // namespace

bool draws(const CallSignature& s) { return std::ranges::any_of(s.args, has_generator); }

bool draws_by_element(const CallSignature& s) {
  const OpFacts* facts = op_facts(s.op, s.overload);
  return draws(s) && facts && facts->draws && !facts->draws_whole;
}

Arg of_share(std::span<const ShareDigit> digits) {
  std::vector<ShareDigit> merged;
  for (const ShareDigit& d : digits) {
    const bool joins =
        d.size == d.whole && !merged.empty() && merged.back().size == merged.back().whole;
    if (!joins) {
      merged.push_back(d);
      continue;
    }
    merged.back().whole *= d.whole;
    merged.back().size *= d.size;
  }
  std::vector<int64_t> whole, begin, size;
  for (const ShareDigit& d : merged) {
    whole.push_back(d.whole);
    begin.push_back(d.begin);
    size.push_back(d.size);
  }
  return {.kind = ArgKind::kList,
          .items = {of_text(kName), of_ints(std::move(whole)), of_ints(std::move(begin)),
                    of_ints(std::move(size))}};
}

const Arg* share_argument(const CallSignature& s) {
  if (s.args.empty() || s.args.back().kind != ArgKind::kList) return nullptr;
  const std::vector<Arg>& items = s.args.back().items;
  const bool is_one = !items.empty() && items[0].kind == ArgKind::kString && items[0].text == kName;
  return is_one ? &s.args.back() : nullptr;
}

std::optional<std::vector<ShareDigit>> share_of(const CallSignature& s) {
  const Arg* share = share_argument(s);
  const tensor::Geometry* g = drawn(s);
  if (!share || !g || !draws_by_element(s) || !is_part(share->items, tensor::element_count(*g))) {
    return std::nullopt;
  }
  const std::vector<Arg>& items = share->items;
  std::vector<ShareDigit> digits;
  for (size_t i = 0; i < items[1].ints.size(); ++i) {
    digits.push_back({items[1].ints[i], items[2].ints[i], items[3].ints[i]});
  }
  return digits;
}

}  // namespace moai::ops
