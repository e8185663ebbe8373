// Bytes of each message after its kind byte; internal to the codec. See docs/formats/dispatch.md.
//
// encode_body appends; decode_body fails the reader on anything malformed and may leave the message
// half filled then.
#pragma once

#include <cstdint>

#include "moai/base/bytes.h"
#include "moai/dispatch/messages.h"

namespace moai::dispatch {

// A varint that must fit; fails the reader otherwise.
uint32_t decode_u32(Reader* in);
// True when [offset, offset + size) lies in `total` bytes.
constexpr bool range_fits(uint64_t offset, uint64_t size, uint64_t total) {
  return offset <= total && size <= total - offset;
}

// ---- front → Worker (front_bodies.cc)
void encode_body(const Hello& m, Writer* out);
void decode_body(Reader* in, Hello* m);
void encode_body(const DefineSignatures& m, Writer* out);
void decode_body(Reader* in, DefineSignatures* m);
void encode_body(const Run& m, Writer* out);
void decode_body(Reader* in, Run* m);
void encode_body(const DefineTemplate& m, Writer* out);
void decode_body(Reader* in, DefineTemplate* m);
void encode_body(const DropTemplate& m, Writer* out);
void decode_body(Reader* in, DropTemplate* m);
void encode_body(const RunTemplate& m, Writer* out);
void decode_body(Reader* in, RunTemplate* m);
void encode_body(const Upload& m, Writer* out);
void decode_body(Reader* in, Upload* m);
void encode_body(const Read& m, Writer* out);
void decode_body(Reader* in, Read* m);
void encode_body(const Ask& m, Writer* out);
void decode_body(Reader* in, Ask* m);
void encode_body(const Marker& m, Writer* out);
void decode_body(Reader* in, Marker* m);
inline void encode_body(const Goodbye&, Writer*) {}
inline void decode_body(Reader*, Goodbye*) {}
inline void encode_body(const Ping&, Writer*) {}
inline void decode_body(Reader*, Ping*) {}
void encode_body(const JoinMesh& m, Writer* out);
void decode_body(Reader* in, JoinMesh* m);
inline void encode_body(const CompileWindows&, Writer*) {}
inline void decode_body(Reader*, CompileWindows*) {}

// ---- Worker → front (worker_bodies.cc)
void encode_body(const Welcome& m, Writer* out);
void decode_body(Reader* in, Welcome* m);
void encode_body(const Refused& m, Writer* out);
void decode_body(Reader* in, Refused* m);
void encode_body(const Credit& m, Writer* out);
void decode_body(Reader* in, Credit* m);
void encode_body(const Data& m, Writer* out);
void decode_body(Reader* in, Data* m);
void encode_body(const Answer& m, Writer* out);
void decode_body(Reader* in, Answer* m);
void encode_body(const Reached& m, Writer* out);
void decode_body(Reader* in, Reached* m);
void encode_body(const Fault& m, Writer* out);
void decode_body(Reader* in, Fault* m);
void encode_body(const Ending& m, Writer* out);
void decode_body(Reader* in, Ending* m);
void encode_body(const WindowState& m, Writer* out);
void decode_body(Reader* in, WindowState* m);

// ---- Worker → Worker (worker_bodies.cc)
void encode_body(const Join& m, Writer* out);
void decode_body(Reader* in, Join* m);
void encode_body(const Joined& m, Writer* out);
void decode_body(Reader* in, Joined* m);

}  // namespace moai::dispatch
