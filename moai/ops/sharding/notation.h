// Notation: the text in which rows say how dimensions are tied together.
//
//   "m k+, k n -> m n"
//
// A term for each argument, separated by commas, "->", a term for each result. A term is a list of
// dimensions. Letters that stand in several places are one factor; a dimension of size 1 has none,
// whatever its letter.
//
//   k        a dimension                 k+    a mark, at any one place of the letter
//   k:2      of this size, as a group may need to be told
//   (g c)    two factors, outermost first
//   x...     any number of dimensions, tied from the last one backwards; "..." is such a letter,
//   too 1        a dimension of size 1 .        no dimensions ~m n     leading dimensions may be
//   missing ?        any tensor; each of its dimensions is frozen _        no tensor, or a result
//   that is none {m; n}   a list =n       an int that states a size, "=[n c _ x...]" a list of
//   them, "=(g c)" a product
//
//   ^m       a written tensor: what is there is reduced with what the call finds, by the row's
//   reduction
//
// Marks: "+" ">" "<" "&" "|" "*" "#" reduced by sum, max, min, all, any, product, norm 2;
// "!" frozen; "@" indexed. Results without a reduced or indexed factor are partial over it.
//
// A size that no dimension shows alone is found from groups in which it is the only unknown one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moai/ops/sharding/rule.h"

namespace moai::ops::sharding {

struct Letter {
  std::string name;
  bool many = false;  // "x..."
  int64_t size = 0;   // 0: not told
  FactorKind kind = FactorKind::kParallel;
  Reduction reduction = Reduction::kSum;
};

struct Dim {
  enum class Kind : uint8_t { kFactors, kMany, kOne, kSkipped };
  Kind kind = Kind::kFactors;
  std::vector<uint16_t> letters{};  // of kFactors, outermost first; the only one of kMany
};

struct Term {
  enum class Kind : uint8_t { kNone, kDims, kAny, kList, kSize, kSizes };
  Kind kind = Kind::kNone;
  bool may_lack_leading = false;
  bool accumulates = false;
  std::vector<Dim> dims{};
  std::vector<Term> items{};
};

struct Notation {
  std::vector<Letter> letters;
  std::vector<Term> args;
  std::vector<Term> results;
};

// Nothing for malformed text, with what is wrong in `error`.
std::optional<Notation> parse_notation(std::string_view text, std::string* error);

// Which operands a Partial passes through, of arguments by position: "0 1" from both together,
// "0/1" from either, a mark in front names another reduction than the sum, "=0" is all reductions.
struct LinearGroup {
  bool every_reduction = false;
  Reduction reduction = Reduction::kSum;
  std::vector<uint16_t> args;
};
std::optional<std::vector<LinearGroup>> parse_linear(std::string_view text);

}  // namespace moai::ops::sharding
