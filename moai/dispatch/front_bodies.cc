#include <span>

#include "moai/dispatch/body.h"
#include "moai/program/place_coder.h"

namespace moai::dispatch {
namespace {

using program::PlaceCoder;

// A signature of nothing but one-byte arguments takes about 200 times its bytes in memory; frames
// of definitions are small, so bound them apart from what a frame may carry.
constexpr size_t kDefinitionBytesMax = size_t{16} << 20;

void encode_storages(std::span<const StorageId> ids, Writer* out) {
  out->varint(ids.size());
  PlaceCoder coder;
  for (StorageId id : ids) out->varint(coder.code(id));
}

std::vector<StorageId> decode_storages(Reader* in) {
  std::vector<StorageId> ids(in->count());
  PlaceCoder coder;
  for (StorageId& id : ids) id = coder.place(in->varint());
  return ids;
}

void encode_words(std::span<const uint64_t> words, Writer* out) {
  out->varint(words.size());
  for (uint64_t word : words) out->word(word);
}

std::vector<uint64_t> decode_words(Reader* in) {
  std::vector<uint64_t> words(in->count(sizeof(uint64_t)));
  for (uint64_t& word : words) word = in->word();
  return words;
}

}  // namespace

uint32_t decode_u32(Reader* in) {
  const uint64_t v = in->varint();
  if (v > UINT32_MAX) in->fail();
  return static_cast<uint32_t>(v);
}

void encode_body(const Hello& m, Writer* out) {
  out->varint(m.protocol);
  out->bytes(m.secret);
  out->varint(m.epoch);
  out->bytes(m.client);
  out->bytes(m.torch_version);
}
void decode_body(Reader* in, Hello* m) {
  m->protocol = decode_u32(in);
  m->secret = in->bytes();
  m->epoch = in->varint();
  m->client = in->bytes();
  m->torch_version = in->bytes();
  if (m->secret.size() != kSecretBytes) in->fail();
}

void encode_body(const DefineSignatures& m, Writer* out) {
  out->varint(m.first);
  out->varint(m.signatures.size());
  for (const ops::CallSignature& s : m.signatures) ops::encode(s, out);
}
void decode_body(Reader* in, DefineSignatures* m) {
  constexpr size_t kSignatureBytesMin = 5;
  if (in->remaining() > kDefinitionBytesMax) in->fail();
  m->first = decode_u32(in);
  const size_t n = in->count(kSignatureBytesMin);
  for (size_t i = 0; i < n && in->ok(); ++i) {
    m->signatures.push_back(ops::decode_call_signature(in));
  }
}

void encode_body(const Run& m, Writer* out) {
  out->varint(m.first_sequence);
  program::encode(m.program, out);
}
void decode_body(Reader* in, Run* m) {
  m->first_sequence = in->varint();
  m->program = program::decode_program(in);
  if (m->program.is_template) in->fail();
}

void encode_body(const DefineTemplate& m, Writer* out) {
  out->varint(m.id);
  program::encode(m.program, out);
}
void decode_body(Reader* in, DefineTemplate* m) {
  m->id = decode_u32(in);
  m->program = program::decode_program(in);
  if (!m->program.is_template) in->fail();
}

void encode_body(const DropTemplate& m, Writer* out) { out->varint(m.id); }
void decode_body(Reader* in, DropTemplate* m) { m->id = decode_u32(in); }

void encode_body(const RunTemplate& m, Writer* out) {
  out->varint(m.id);
  out->varint(m.first_sequence);
  out->varint(m.begin);
  out->varint(m.end);
  encode_storages(m.bindings, out);
  encode_words(m.words, out);
  out->varint(m.releases.size());
  PlaceCoder coder;
  uint32_t before = m.begin;
  for (const Release& r : m.releases) {
    out->varint(r.before - before);
    out->varint(coder.code(r.storage));
    before = r.before;
  }
}
void decode_body(Reader* in, RunTemplate* m) {
  m->id = decode_u32(in);
  m->first_sequence = in->varint();
  m->begin = decode_u32(in);
  m->end = decode_u32(in);
  m->bindings = decode_storages(in);
  m->words = decode_words(in);
  m->releases.resize(in->count(2));
  PlaceCoder coder;
  uint64_t before = m->begin;
  for (Release& r : m->releases) {
    before += decode_u32(in);
    if (before > m->end) in->fail();
    r.before = static_cast<uint32_t>(before);
    r.storage = coder.place(in->varint());
  }
  if (m->begin > m->end) in->fail();
}

void encode_body(const Upload& m, Writer* out) {
  out->varint(m.storage);
  out->varint(m.storage_bytes);
  out->varint(m.offset);
  out->bytes(m.bytes);
}
void decode_body(Reader* in, Upload* m) {
  m->storage = in->varint();
  m->storage_bytes = in->varint();
  m->offset = in->varint();
  m->bytes = in->bytes();
  if (!range_fits(m->offset, m->bytes.size(), m->storage_bytes)) in->fail();
}

void encode_body(const Read& m, Writer* out) {
  out->varint(m.request);
  out->varint(m.ranges.size());
  for (const ReadRange& r : m.ranges) {
    out->varint(r.storage);
    out->varint(r.offset);
    out->varint(r.size);
  }
}
void decode_body(Reader* in, Read* m) {
  m->request = in->varint();
  m->ranges.resize(in->count(3));
  for (ReadRange& r : m->ranges) {
    r.storage = in->varint();
    r.offset = in->varint();
    r.size = in->varint();
    if (!range_fits(r.offset, r.size, UINT64_MAX)) in->fail();
  }
}

void encode_body(const Ask& m, Writer* out) {
  out->varint(m.request);
  out->varint(m.sequence);
  out->varint(m.signature);
  encode_storages(m.operands, out);
  encode_words(m.words, out);
  out->varint(m.first_result);
  out->varint(m.results_max);
}
void decode_body(Reader* in, Ask* m) {
  m->request = in->varint();
  m->sequence = in->varint();
  m->signature = decode_u32(in);
  m->operands = decode_storages(in);
  m->words = decode_words(in);
  m->first_result = in->varint();
  m->results_max = decode_u32(in);
}

void encode_body(const Marker& m, Writer* out) {
  out->varint(m.request);
  out->u8(static_cast<uint8_t>(m.resets_peak | m.trims_memory << 1));
}
void decode_body(Reader* in, Marker* m) {
  m->request = in->varint();
  const uint8_t actions = in->u8();
  if (actions > 3) in->fail();
  m->resets_peak = actions & 1;
  m->trims_memory = actions & 2;
}

void encode_body(const JoinMesh& m, Writer* out) {
  out->varint(m.id);
  out->varint(m.axes.size());
  for (const uint32_t size : m.axes) out->varint(size);
}
void decode_body(Reader* in, JoinMesh* m) {
  m->id = in->varint();
  m->axes.resize(in->count());
  for (uint32_t& size : m->axes) {
    size = decode_u32(in);
    if (size == 0) in->fail();
  }
}

}  // namespace moai::dispatch
