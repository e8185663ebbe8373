#include <algorithm>

#include "moai/program/place_coder.h"
#include "moai/program/program.h"

namespace moai::program {
namespace {

// Head byte of an instruction: kind, then small counts; a full field means that a varint follows.
constexpr uint32_t kKindBits = 2;
constexpr uint32_t kPlacesBits = 4;
constexpr uint32_t kWordsBits = 2;
constexpr uint32_t kPlacesFull = (1u << kPlacesBits) - 1;
constexpr uint32_t kWordsFull = (1u << kWordsBits) - 1;

void encode_head(const Instruction& i, Writer* out) {
  const uint32_t places = std::min(i.places_count, kPlacesFull);
  const uint32_t words = std::min(i.words_count, kWordsFull);
  out->u8(static_cast<uint8_t>(static_cast<uint32_t>(i.kind) | places << kKindBits |
                               words << (kKindBits + kPlacesBits)));
  if (i.kind == graph::NodeKind::kCall) out->varint(i.signature);
  if (places == kPlacesFull) out->varint(i.places_count);
  if (words == kWordsFull) out->varint(i.words_count);
}

uint32_t take_u32(Reader* in) {
  const uint64_t v = in->varint();
  if (v > UINT32_MAX) in->fail();
  return static_cast<uint32_t>(v);
}

void decode_head(Instruction* i, Reader* in) {
  const uint8_t head = in->u8();
  i->kind = static_cast<graph::NodeKind>(head & ((1u << kKindBits) - 1));
  i->places_count = head >> kKindBits & kPlacesFull;
  i->words_count = head >> (kKindBits + kPlacesBits);
  if (i->kind == graph::NodeKind::kCall) {
    i->signature = take_u32(in);
    if (i->places_count == kPlacesFull) i->places_count = take_u32(in);
    if (i->words_count == kWordsFull) i->words_count = take_u32(in);
    return;
  }
  const uint32_t words = i->kind == graph::NodeKind::kFree ? 0 : 1;
  if (i->places_count != 1 || i->words_count != words) in->fail();
}

}  // namespace

void encode(const Program& p, Writer* out) {
  out->u8(p.is_template ? 1 : 0);
  if (p.is_template) out->varint(p.slot_count);
  out->varint(p.instructions.size());
  uint64_t places = 0;
  uint64_t words = 0;
  for (const Instruction& i : p.instructions) {
    places += i.places_count;
    words += i.words_count;
  }
  out->varint(places);
  if (!p.is_template) out->varint(words);
  PlaceCoder coder;
  for (const Instruction& i : p.instructions) {
    encode_head(i, out);
    for (Place place : p.places_of(i)) out->varint(coder.code(place));
  }
  if (p.is_template) return;
  for (const Instruction& i : p.instructions) {
    for (uint64_t word : p.words_of(i)) out->word(word);
  }
}

Program decode_program(Reader* in, size_t instructions_max) {
  Program p;
  const uint8_t flags = in->u8();
  p.is_template = flags == 1;
  if (p.is_template) p.slot_count = take_u32(in);
  const size_t instructions = in->count(2);
  const size_t places = in->count();
  const size_t words = p.is_template ? 0 : in->count(sizeof(uint64_t));
  if (flags > 1 || instructions > instructions_max) in->fail();
  if (!in->ok()) return {};
  p.instructions.resize(instructions);
  p.places.resize(places);
  p.words.resize(words);
  PlaceCoder coder;
  size_t next_place = 0;
  uint64_t next_word = 0;
  for (Instruction& i : p.instructions) {
    decode_head(&i, in);
    if (i.places_count > places - next_place) in->fail();
    if (next_word + i.words_count > UINT32_MAX) in->fail();
    if (!in->ok()) return {};
    i.places_begin = static_cast<uint32_t>(next_place);
    i.words_begin = static_cast<uint32_t>(next_word);
    for (uint32_t k = 0; k < i.places_count; ++k) {
      p.places[next_place++] = coder.place(in->varint());
    }
    next_word += i.words_count;
  }
  for (uint64_t& word : p.words) word = in->word();
  if (next_place != places || (!p.is_template && next_word != words)) in->fail();
  if (!in->ok()) return {};
  return p;
}

}  // namespace moai::program
