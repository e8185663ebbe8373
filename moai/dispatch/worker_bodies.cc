#include "moai/dispatch/body.h"

namespace moai::dispatch {
namespace {

constexpr int kNestingMax = 4;
constexpr size_t kValuesMax = size_t{1} << 16;
constexpr uint8_t kWrittenArgument = 0x80;

Code decode_code(Reader* in) {
  const uint8_t v = in->u8();
  if (v > static_cast<uint8_t>(Code::kUnauthenticated)) in->fail();
  return static_cast<Code>(v);
}

void encode_value(const Value& v, Writer* out) {
  using Kind = Value::Kind;
  const bool mark = v.kind == Kind::kTensor && v.written_argument;
  out->u8(static_cast<uint8_t>(static_cast<uint8_t>(v.kind) | (mark ? kWrittenArgument : 0)));
  switch (v.kind) {
    case Kind::kTensor:
      tensor::encode(v.geometry, out);
      out->varint(v.storage);
      out->varint(v.storage_bytes);
      break;
    case Kind::kList:
      out->varint(v.items.size());
      for (const Value& item : v.items) encode_value(item, out);
      break;
    case Kind::kBool:
    case Kind::kInt:
      out->zigzag(v.integer);
      break;
    case Kind::kDouble:
      out->f64(v.real);
      break;
    default:
      break;
  }
}

std::vector<Value> decode_values(Reader* in, int depth, size_t* budget);

Value decode_value(Reader* in, int depth, size_t* budget) {
  using Kind = Value::Kind;
  Value v;
  const uint8_t head = in->u8();
  v.kind = static_cast<Kind>(head & (kWrittenArgument - 1));
  v.written_argument = (head & kWrittenArgument) != 0;
  switch (v.kind) {
    case Kind::kNone:
    case Kind::kUndefined:
      break;
    case Kind::kTensor:
      v.geometry = tensor::decode_geometry(in);
      v.storage = in->varint();
      v.storage_bytes = in->varint();
      break;
    case Kind::kList:
      v.items = decode_values(in, depth + 1, budget);
      break;
    case Kind::kBool:
    case Kind::kInt:
      v.integer = in->zigzag();
      break;
    case Kind::kDouble:
      v.real = in->f64();
      break;
    default:
      in->fail();
  }
  if (v.written_argument && v.kind != Kind::kTensor) in->fail();
  return v;
}

std::vector<Value> decode_values(Reader* in, int depth, size_t* budget) {
  std::vector<Value> values;
  const size_t n = in->count();
  if (depth > kNestingMax || n > *budget) in->fail();
  if (!in->ok()) return values;
  *budget -= n;
  values.reserve(n);
  for (size_t i = 0; i < n && in->ok(); ++i) values.push_back(decode_value(in, depth, budget));
  return values;
}

void encode_memory(const Memory& m, Writer* out) {
  out->varint(m.allocated_bytes);
  out->varint(m.peak_bytes);
  out->varint(m.reserved_bytes);
}
Memory decode_memory(Reader* in) {
  Memory m;
  m.allocated_bytes = in->varint();
  m.peak_bytes = in->varint();
  m.reserved_bytes = in->varint();
  return m;
}

}  // namespace

void encode_body(const Welcome& m, Writer* out) {
  out->varint(m.protocol);
  out->bytes(m.worker);
  out->bytes(m.device_kind);
  out->bytes(m.torch_version);
  out->varint(m.memory_bytes);
  out->varint(m.credit_bytes);
  out->varint(m.rank);
  out->varint(m.ranks);
}
void decode_body(Reader* in, Welcome* m) {
  m->protocol = decode_u32(in);
  m->worker = in->bytes();
  m->device_kind = in->bytes();
  m->torch_version = in->bytes();
  m->memory_bytes = in->varint();
  m->credit_bytes = in->varint();
  m->rank = decode_u32(in);
  m->ranks = decode_u32(in);
  if (m->rank >= m->ranks) in->fail();
}

void encode_body(const Refused& m, Writer* out) {
  out->u8(static_cast<uint8_t>(m.code));
  out->bytes(m.text);
}
void decode_body(Reader* in, Refused* m) {
  m->code = decode_code(in);
  m->text = in->bytes();
}

void encode_body(const Credit& m, Writer* out) {
  out->varint(m.bytes);
  encode_memory(m.memory, out);
}
void decode_body(Reader* in, Credit* m) {
  m->bytes = in->varint();
  m->memory = decode_memory(in);
}

void encode_body(const Data& m, Writer* out) {
  out->varint(m.request);
  out->varint(m.range);
  out->bytes(m.bytes);
}
void decode_body(Reader* in, Data* m) {
  m->request = in->varint();
  m->range = decode_u32(in);
  m->bytes = in->bytes();
}

void encode_body(const Answer& m, Writer* out) {
  out->varint(m.request);
  out->varint(m.results.size());
  for (const Value& v : m.results) encode_value(v, out);
}
void decode_body(Reader* in, Answer* m) {
  size_t budget = kValuesMax;
  m->request = in->varint();
  m->results = decode_values(in, 0, &budget);
}

void encode_body(const Reached& m, Writer* out) {
  out->varint(m.request);
  out->varint(m.sequence);
  out->varint(m.time_ns);
  out->varint(m.busy_ns);
  encode_memory(m.memory, out);
}
void decode_body(Reader* in, Reached* m) {
  m->request = in->varint();
  m->sequence = in->varint();
  m->time_ns = in->varint();
  m->busy_ns = in->varint();
  m->memory = decode_memory(in);
}

void encode_body(const Fault& m, Writer* out) {
  out->varint(m.request);
  out->varint(m.sequence);
  out->u8(static_cast<uint8_t>(m.code));
  out->bytes(m.op);
  out->bytes(m.text);
}
void decode_body(Reader* in, Fault* m) {
  m->request = in->varint();
  m->sequence = in->varint();
  m->code = decode_code(in);
  m->op = in->bytes();
  m->text = in->bytes();
}

void encode_body(const Ending& m, Writer* out) {
  out->u8(static_cast<uint8_t>(m.code));
  out->bytes(m.text);
}
void decode_body(Reader* in, Ending* m) {
  m->code = decode_code(in);
  m->text = in->bytes();
}

void encode_body(const WindowState& m, Writer* out) {
  out->varint(m.id);
  out->u8(static_cast<uint8_t>(m.phase));
  out->varint(m.calls);
  out->varint(m.compile_ms);
  out->varint(m.interpreted_ns);
  out->varint(m.compiled_ns);
  out->bytes(m.text);
}
void decode_body(Reader* in, WindowState* m) {
  m->id = decode_u32(in);
  const uint8_t phase = in->u8();
  if (phase > static_cast<uint8_t>(WindowState::Phase::kDropped)) in->fail();
  m->phase = static_cast<WindowState::Phase>(phase);
  m->calls = decode_u32(in);
  m->compile_ms = in->varint();
  m->interpreted_ns = in->varint();
  m->compiled_ns = in->varint();
  m->text = in->bytes();
}

void encode_body(const Join& m, Writer* out) {
  out->varint(m.protocol);
  out->bytes(m.secret);
  out->varint(m.epoch);
  out->varint(m.rank);
  out->varint(m.group);
}
void decode_body(Reader* in, Join* m) {
  m->protocol = decode_u32(in);
  m->secret = in->bytes();
  m->epoch = in->varint();
  m->rank = decode_u32(in);
  m->group = in->varint();
  if (m->secret.size() != kSecretBytes) in->fail();
}

void encode_body(const Joined& m, Writer* out) { out->varint(m.rank); }
void decode_body(Reader* in, Joined* m) { m->rank = decode_u32(in); }

}  // namespace moai::dispatch
