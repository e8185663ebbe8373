// CallSignature: everything about an operator call that repeats from step to step.
//
// A call is a signature plus three short lists that change: the storages of its tensor operands,
// the storages of its fresh results, and 8-byte words (float scalars, seeds, values of 0-dim CPU
// tensors). Signatures are interned and sent once; a recorded node is then a few bytes.
//
// Operands and words are consumed in the order of a depth-first walk over `args`:
//   kTensor      one storage            kDoubleWord, kIntWord   one word
//   kHostScalar  two words (value of up to 16 bytes of geometry.dtype)
//   kGenerator   two words (seed, first Philox counter)
// then fresh results in the order of `results`, one storage each.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moai/base/bytes.h"
#include "moai/tensor/geometry.h"

namespace moai::ops {

enum class ArgKind : uint8_t {
  kNone = 0,       // Python None
  kUndefined = 1,  // a tensor argument without a tensor
  kTensor = 2,     // geometry; takes a storage operand
  kHostScalar =
      3,      // 0-dim CPU tensor, by value; geometry.dtype and wrapped-number flag; takes two words
  kBool = 4,  // ints[0]
  kInt = 5,   // ints[0], by value
  kDouble = 6,      // doubles[0], by value
  kComplex = 7,     // doubles[0..1], by value
  kString = 8,      // text
  kIntList = 9,     // ints, by value
  kBoolList = 10,   // ints, by value
  kDevice = 11,     // the device of the Worker
  kGenerator = 12,  // takes two words
  kDoubleWord =
      13,  // a float scalar that is a parameter of the window; takes a word (bits of a double)
  kIntWord = 14,     // likewise an int scalar; takes a word
  kList = 15,        // items
  kDoubleList = 16,  // doubles, by value
};

struct Arg {
  ArgKind kind = ArgKind::kNone;
  bool written = false;  // the call writes the storage of this tensor
  tensor::Geometry geometry{};
  std::vector<int64_t> ints{};
  std::vector<double> doubles{};
  std::string text{};
  std::vector<Arg> items{};

  // Doubles are compared by their bits: -0.0 is not 0.0, and a NaN equals itself.
  bool operator==(const Arg& other) const;
};

enum class ResultKind : uint8_t {
  kIgnored = 0,    // an argument that was written, a value the front knows, or None
  kFresh = 1,      // a new storage of at least storage_bytes(geometry)
  kUndefined = 2,  // no tensor
  kList = 3,       // items, each kFresh or kUndefined
};

struct Result {
  ResultKind kind = ResultKind::kIgnored;
  bool auxiliary = false;  // device kinds may return another shape here; filled with zeros then
  tensor::Geometry geometry{};
  std::vector<Result> items{};

  bool operator==(const Result&) const = default;
};

struct CallSignature {
  std::string op{};        // "aten::add"
  std::string overload{};  // "Tensor", may be empty
  std::vector<Arg> args{};
  std::vector<Result> results{};

  bool operator==(const CallSignature&) const = default;
};

// How many of each changing item a call of this signature takes.
struct Arity {
  uint32_t operands = 0;  // storages of kTensor arguments
  uint32_t words = 0;
  uint32_t fresh = 0;  // storages of fresh results

  bool operator==(const Arity&) const = default;
};
Arity arity(const CallSignature& s);
// Of one argument.
Arity arity(const Arg& a);

// For each operand, in consumption order, whether the call writes it.
std::vector<bool> written_operands(const CallSignature& s);

uint64_t hash(const CallSignature& s);

// "aten::add.Tensor(f32[2,3], f32[2,3], word) -> f32[2,3]"; written operands carry "!".
// docs/formats/call.md has the grammar; call_text.h the form with storages and words.
std::string to_string(const CallSignature& s);
// Nothing for text that is none, or whose signature is not encodable.
std::optional<CallSignature> call_signature_from_string(std::string_view text);

void encode(const CallSignature& s, Writer* out);
// Fails the reader on malformed input (names are letters, digits, "_" and, in `op`, ":"), on
// nesting deeper than 4 and on over 2^16 items.
CallSignature decode_call_signature(Reader* in);
// Whether decoding gives back what encoding took: not for what decoding refuses.
bool is_encodable(const CallSignature& s);

}  // namespace moai::ops
