// Messages between a front and a Worker, and the greeting of two Workers. docs/formats/dispatch.md
// specifies their bytes.
//
// One frame of a Link carries one message: a kind byte, then the message. Decoders trust nothing:
// every count is bounded by the bytes present, every enum by its range; a bad frame is
// INVALID_ARGUMENT and the connection is closed. Storage ids are the front's; requests are numbered
// by the front from 1.
//
// Sequence numbers count instructions (calls, allocs, resizes, frees apart: calls only) that the
// front has sent on this connection, from 1. A Fault names the call that failed by it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "moai/base/status.h"
#include "moai/graph/window.h"
#include "moai/ops/call.h"
#include "moai/program/program.h"

namespace moai::dispatch {

inline constexpr uint32_t kProtocolVersion = 5;
inline constexpr size_t kSecretBytes = 32;

using graph::SignatureId;
using graph::StorageId;
using RequestId = uint64_t;
using TemplateId = uint32_t;

// ---- front → Worker

struct Hello {  // first message; the Worker answers Welcome or Refused
  uint32_t protocol = kProtocolVersion;
  std::string secret{};  // kSecretBytes, of the lease
  uint64_t epoch = 0;    // of the lease
  std::string client{};  // "pid 123 python train.py", for logs
  std::string torch_version{};

  bool operator==(const Hello&) const = default;
};
struct DefineSignatures {
  SignatureId first = 0;  // must equal the number defined so far
  std::vector<ops::CallSignature> signatures{};

  bool operator==(const DefineSignatures&) const = default;
};
struct Run {  // a streamed program; its calls have sequences first_sequence, +1, …
  uint64_t first_sequence = 0;
  program::Program program{};

  bool operator==(const Run&) const = default;
};
struct DefineTemplate {
  TemplateId id = 0;
  program::Program program{};

  bool operator==(const DefineTemplate&) const = default;
};
struct DropTemplate {
  TemplateId id = 0;

  bool operator==(const DropTemplate&) const = default;
};
struct Release {  // "before instruction `before` of the template, free `storage`"
  uint32_t before = 0;
  StorageId storage = 0;

  bool operator==(const Release&) const = default;
};
struct RunTemplate {  // instructions [begin, end) of a template
  TemplateId id = 0;
  uint64_t first_sequence = 0;
  uint32_t begin = 0;  // 0 starts a new instance: all bindings are forgotten
  uint32_t end = 0;
  // Storages of the slots first used in [begin, end), in slot order. Bindings survive a change to
  // another template with the same prefix.
  std::vector<StorageId> bindings{};
  std::vector<uint64_t> words{};    // of the instructions in [begin, end), in order
  std::vector<Release> releases{};  // ordered by `before`, which may be `end`

  bool operator==(const RunTemplate&) const = default;
};
struct Upload {  // makes the storage if it is new
  StorageId storage = 0;
  uint64_t storage_bytes = 0;
  uint64_t offset = 0;
  std::string bytes{};

  bool operator==(const Upload&) const = default;
};
struct ReadRange {
  StorageId storage = 0;
  uint64_t offset = 0;
  uint64_t size = 0;

  bool operator==(const ReadRange&) const = default;
};
struct Read {  // answered by one Data a range, in order, or by one Fault with `request`
  RequestId request = 0;
  std::vector<ReadRange> ranges{};

  bool operator==(const Read&) const = default;
};
struct Ask {  // run a call whose result shapes only the Worker knows; answered by Answer
  RequestId request = 0;
  uint64_t sequence = 0;
  SignatureId signature = 0;  // its results are all kIgnored or unspecified: the Worker decides
  std::vector<StorageId> operands{};
  std::vector<uint64_t> words{};
  StorageId first_result = 0;  // ids for result storages, counting up; at most results_max
  uint32_t results_max = 0;

  bool operator==(const Ask&) const = default;
};
struct Marker {  // answered by Reached when everything sent before was executed
  RequestId request = 0;
  bool resets_peak = false;   // peak_bytes starts anew here
  bool trims_memory = false;  // memory kept for later allocations goes back to the system here

  bool operator==(const Marker&) const = default;
};
struct Goodbye {
  bool operator==(const Goodbye&) const = default;
};
struct Ping {  // sign of life, both ways
  bool operator==(const Ping&) const = default;
};
// Makes this Worker one of a mesh: from here on the calls of `moai::` whose last argument is i go
// between the ranks of the lease that differ on axis i alone, in order of their coordinate there.
// Ranks are numbered with the last axis running fastest. Every Worker of the lease is told the
// same; it waits for the others. A failure is a Fault without a call, and those calls then fail.
// Nothing of the mesh before remains.
struct JoinMesh {
  uint64_t id = 0;  // never used before in this lease
  std::vector<uint32_t> axes{};

  bool operator==(const JoinMesh&) const = default;
};
struct CompileWindows {  // from here on the front wants repeated templates compiled
  bool operator==(const CompileWindows&) const = default;
};

// ---- Worker → front

struct Memory {  // of the Worker's allocator, workspace of kernels included
  uint64_t allocated_bytes = 0;
  uint64_t peak_bytes = 0;      // since the last Marker that resets it
  uint64_t reserved_bytes = 0;  // taken from the system

  bool operator==(const Memory&) const = default;
};
struct Welcome {
  uint32_t protocol = kProtocolVersion;
  std::string worker{};       // "worker 3 on back01", for logs
  std::string device_kind{};  // "cpu", "cuda", "hip"
  std::string torch_version{};
  uint64_t memory_bytes = 0;  // limit for storages
  uint64_t credit_bytes = 0;  // how many bytes of frames may be in flight un-executed
  uint32_t rank = 0;          // among the Workers of the lease
  uint32_t ranks = 1;

  bool operator==(const Welcome&) const = default;
};
struct Refused {
  Code code = Code::kUnknown;
  std::string text{};

  bool operator==(const Refused&) const = default;
};
struct Credit {
  uint64_t bytes = 0;  // of executed frames, to be used again
  Memory memory{};

  bool operator==(const Credit&) const = default;
};
struct Data {
  RequestId request = 0;
  uint32_t range = 0;  // index in Read::ranges
  std::string bytes{};

  bool operator==(const Data&) const = default;
};
struct Value {  // one result of an Ask
  enum class Kind : uint8_t { kNone, kUndefined, kTensor, kList, kBool, kInt, kDouble };
  Kind kind = Kind::kNone;
  tensor::Geometry geometry{};  // kTensor
  StorageId storage = 0;
  uint64_t storage_bytes = 0;
  bool written_argument =
      false;                   // kTensor: this is the written argument, whose geometry is now this
  int64_t integer = 0;         // kBool, kInt
  double real = 0;             // kDouble
  std::vector<Value> items{};  // kList

  bool operator==(const Value&) const = default;
};
struct Answer {
  RequestId request = 0;
  std::vector<Value> results{};

  bool operator==(const Answer&) const = default;
};
struct Reached {
  RequestId request = 0;
  uint64_t sequence = 0;  // calls executed so far
  uint64_t time_ns = 0;   // Worker's steady clock when the marker was reached
  uint64_t busy_ns = 0;   // time spent executing since the connection began
  Memory memory{};

  bool operator==(const Reached&) const = default;
};
// Why a call failed; `request` when it also ends a Read or an Ask, else 0. The code says which
// class torch raises: INVALID_ARGUMENT ValueError, OUT_OF_RANGE IndexError, UNIMPLEMENTED
// NotImplementedError, RESOURCE_EXHAUSTED OutOfMemoryError, FAILED_PRECONDITION TypeError, ABORTED
// LinAlgError, others RuntimeError.
struct Fault {
  RequestId request = 0;
  uint64_t sequence = 0;  // 0: no call, see text
  Code code = Code::kUnknown;
  std::string op{};
  std::string text{};

  bool operator==(const Fault&) const = default;
};
struct Ending {  // the Worker ends: its lease was revoked, say
  Code code = Code::kUnknown;
  std::string text{};

  bool operator==(const Ending&) const = default;
};

// How far the compiling of a template has come; told at each change.
struct WindowState {
  enum class Phase : uint8_t { kAsked, kTried, kUsed, kDropped };
  TemplateId id = 0;  // 0: of all templates, nothing is compiled
  Phase phase = Phase::kAsked;
  uint32_t calls = 0;
  uint64_t compile_ms = 0;                       // that compiling took, once
  uint64_t interpreted_ns = 0, compiled_ns = 0;  // of a run, medians; 0: not known
  std::string text{};                            // why, for a person

  bool operator==(const WindowState&) const = default;
};

// ---- Worker → Worker of the same lease, of a lower rank

struct Join {  // first message; answered by Joined or Refused
  uint32_t protocol = kProtocolVersion;
  std::string secret{};  // kSecretBytes, of the group
  uint64_t epoch = 0;    // of the lease
  uint32_t rank = 0;     // who joins
  uint64_t group = 0;    // which of the links between the two: JoinMesh::id

  bool operator==(const Join&) const = default;
};
struct Joined {
  uint32_t rank = 0;  // who was joined

  bool operator==(const Joined&) const = default;
};

using Message =
    std::variant<Hello, DefineSignatures, Run, DefineTemplate, DropTemplate, RunTemplate, Upload,
                 Read, Ask, Marker, Goodbye, Ping, Welcome, Refused, Credit, Data, Answer, Reached,
                 Fault, Ending, CompileWindows, WindowState, Join, Joined, JoinMesh>;

// Appends the frame of `m`. Large payloads (Upload, Data) are copied; senders with their own
// buffers use upload_header and pass the bytes as a second part.
void encode(const Message& m, std::string* out);
Result<Message> decode(std::string_view frame);

// The frame of an Upload of `size` bytes up to where the bytes begin.
void upload_header(StorageId storage, uint64_t storage_bytes, uint64_t offset, uint64_t size,
                   std::string* out);
// The same for a Data.
void data_header(RequestId request, uint32_t range, uint64_t size, std::string* out);

// An Upload or Data read in place, without a copy of its bytes, which stay in `frame`. Nothing when
// the frame is of another kind or malformed; decode() tells which.
struct UploadView {
  StorageId storage = 0;
  uint64_t storage_bytes = 0;
  uint64_t offset = 0;
  std::string_view bytes;
};
std::optional<UploadView> upload_view(std::string_view frame);
struct DataView {
  RequestId request = 0;
  uint32_t range = 0;
  std::string_view bytes;
};
std::optional<DataView> data_view(std::string_view frame);

}  // namespace moai::dispatch
