// Program: what one Worker executes. The contract between compiler and Worker.
//
// Instructions in execution order, over *places*. In a streamed program a place is a storage id of
// the front and words are bound. In a template places are slots, numbered from 0 in order of first
// use; the words of an instruction are then their positions counted from the template's start, and
// each run binds slots to storages and supplies the words.
//
// Releases are no part of a template: each run carries its own (dispatch/messages.h).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moai/base/bytes.h"
#include "moai/base/status.h"
#include "moai/graph/window.h"

namespace moai::program {

using Place = uint64_t;

struct Instruction {
  graph::NodeKind kind = graph::NodeKind::kCall;
  graph::SignatureId signature = 0;  // kCall
  uint32_t places_begin = 0;
  uint32_t places_count = 0;
  uint32_t words_begin = 0;
  uint32_t words_count = 0;

  bool operator==(const Instruction&) const = default;
};

struct Program {
  bool is_template = false;
  uint32_t slot_count = 0;  // template only
  std::vector<Instruction> instructions{};
  std::vector<Place> places{};
  std::vector<uint64_t> words{};  // streamed only; a template stores counts in its instructions

  bool operator==(const Program&) const = default;
  std::span<const Place> places_of(const Instruction& i) const {
    return std::span(places).subspan(i.places_begin, i.places_count);
  }
  std::span<const uint64_t> words_of(const Instruction& i) const {
    return std::span(words).subspan(i.words_begin, i.words_count);
  }
};

// Checks that every signature id is below `signature_count`, that each call has the places and
// words its signature takes, and that slots of a template are dense and first used in order.
Status verify(const Program& p, const graph::SignatureTable& signatures);

std::string print(const Program& p, const graph::SignatureTable& signatures);

// Binary form: docs/formats/program.md. Places are delta-coded against the largest place so far, so
// that a fresh storage costs one byte.
void encode(const Program& p, Writer* out);
// Fails the reader on malformed input and on over `instructions_max` instructions.
Program decode_program(Reader* in, size_t instructions_max = size_t{1} << 20);

}  // namespace moai::program
