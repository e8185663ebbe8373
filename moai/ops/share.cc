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

bool is_whole(const ShareDigit& d) { return d.size == d.whole; }

// A digit as two, of which the inner one has `low` values and is whole; false where it has no such.
bool cut(const ShareDigit& d, int64_t low, ShareDigit* high) {
  if (d.whole % low != 0 || d.begin % low != 0 || d.size % low != 0) return false;
  *high = {d.whole / low, d.begin / low, d.size / low};
  return true;
}

// Of digits that are read from the front.
class PartOfPart {
 public:
  PartOfPart(std::vector<ShareDigit> outer, std::vector<ShareDigit> inner)
      : outer_(std::move(outer)), inner_(std::move(inner)) {}

  std::optional<std::vector<ShareDigit>> run() {
    while (o_ < outer_.size()) {
      ShareDigit& o = outer_[o_];
      if (o.size == 1) {  // the part shows no digit of it
        found_.push_back(o);
        ++o_;
        continue;
      }
      if (i_ == inner_.size()) return std::nullopt;
      ShareDigit& i = inner_[i_];
      ShareDigit high;
      if (o.size == i.whole) {
        found_.push_back({o.whole, o.begin + i.begin, i.size});
        ++o_;
        ++i_;
      } else if (o.size > i.whole && o.size % i.whole == 0) {
        const int64_t low = o.size / i.whole;
        if (cut(o, low, &high)) {
          found_.push_back({high.whole, high.begin + i.begin, i.size});
          o = {low, 0, low};
          ++i_;
        } else if (!take_run(low)) {
          return std::nullopt;
        }
      } else if (o.size < i.whole && i.whole % o.size == 0) {
        const int64_t low = i.whole / o.size;
        if (!cut(i, low, &high)) return std::nullopt;
        found_.push_back({o.whole, o.begin + high.begin, high.size});
        i = {low, 0, low};
        ++o_;
      } else {
        return std::nullopt;
      }
    }
    if (i_ != inner_.size()) return std::nullopt;
    return std::move(found_);
  }

 private:
  // The outer digit as runs of `low` elements, which the inner digits behind have whole.
  bool take_run(int64_t low) {
    const ShareDigit o = outer_[o_], i = inner_[i_];
    int64_t behind = 1;
    size_t next = i_ + 1;
    for (; next < inner_.size() && behind < low && is_whole(inner_[next]); ++next) {
      behind *= inner_[next].whole;
    }
    if (behind != low) return false;
    found_.push_back({o.whole, o.begin + i.begin * low, i.size * low});
    i_ = next;
    ++o_;
    return true;
  }

  std::vector<ShareDigit> outer_, inner_, found_;
  size_t o_ = 0, i_ = 0;
};

}  // namespace

std::optional<std::vector<ShareDigit>> part_of_part(std::vector<ShareDigit> outer,
                                                    std::vector<ShareDigit> inner) {
  const auto is_unit = [](const ShareDigit& d) { return d.whole == 1; };
  std::erase_if(outer, is_unit);
  std::erase_if(inner, is_unit);
  return PartOfPart(std::move(outer), std::move(inner)).run();
}

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
