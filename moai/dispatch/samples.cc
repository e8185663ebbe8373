#include "moai/dispatch/samples.h"

namespace moai::dispatch {
namespace {

tensor::Geometry geometry(const char* text) { return *tensor::geometry_from_string(text); }

ops::CallSignature add() {
  ops::CallSignature s{.op = "aten::add", .overload = "Tensor"};
  s.args = {{.kind = ops::ArgKind::kTensor, .written = true, .geometry = geometry("f32[2,3]")},
            {.kind = ops::ArgKind::kTensor, .geometry = geometry("f32[2,3]{1,2}+4")},
            {.kind = ops::ArgKind::kDoubleWord}};
  s.results = {{.kind = ops::ResultKind::kFresh, .geometry = geometry("f32[2,3]")}};
  return s;
}

program::Program streamed() {
  using graph::NodeKind;
  program::Program p;
  p.instructions = {
      {.kind = NodeKind::kAlloc, .places_count = 1, .words_count = 1},
      {.kind = NodeKind::kCall,
       .signature = 0,
       .places_begin = 1,
       .places_count = 3,
       .words_begin = 1,
       .words_count = 1},
      {.kind = NodeKind::kFree, .places_begin = 4, .places_count = 1, .words_begin = 2}};
  p.places = {1000, 1000, 7, 1001, 1000};
  p.words = {4096, 0x3ff0000000000000};
  return p;
}

program::Program stored() {
  program::Program p = streamed();
  p.is_template = true;
  p.slot_count = 3;
  p.instructions.pop_back();
  p.places = {0, 0, 1, 2};
  p.words.clear();
  return p;
}

std::vector<Value> values() {
  using Kind = Value::Kind;
  const Value tensor{.kind = Kind::kTensor,
                     .geometry = geometry("i64[4,2]"),
                     .storage = 1002,
                     .storage_bytes = 64};
  return {tensor,
          {.kind = Kind::kTensor, .geometry = geometry("f32[0]"), .written_argument = true},
          {.kind = Kind::kList, .items = {tensor, {.kind = Kind::kUndefined}}},
          {.kind = Kind::kNone},
          {.kind = Kind::kBool, .integer = 1},
          {.kind = Kind::kInt, .integer = -5},
          {.kind = Kind::kDouble, .real = 0.25}};
}

}  // namespace

std::vector<Message> samples() {
  return {
      Hello{.secret = std::string(kSecretBytes, 'k'),
            .epoch = 12,
            .client = "pid 1 python train.py",
            .torch_version = "2.13.0"},
      DefineSignatures{.first = 3, .signatures = {add(), add()}},
      Run{.first_sequence = 77, .program = streamed()},
      DefineTemplate{.id = 2, .program = stored()},
      DropTemplate{.id = 2},
      RunTemplate{.id = 2,
                  .first_sequence = 78,
                  .begin = 0,
                  .end = 2,
                  .bindings = {1003, 7, 1004},
                  .words = {4096, 0x3ff0000000000000},
                  .releases = {{0, 1002}, {1, 1001}, {2, 1003}}},
      Upload{.storage = 7, .storage_bytes = 16, .offset = 4, .bytes = std::string("a\0b", 3)},
      Read{.request = 1, .ranges = {{7, 0, 16}, {1001, 4, 0}}},
      Ask{.request = 2,
          .sequence = 80,
          .signature = 1,
          .operands = {7, 1001},
          .words = {5},
          .first_result = 1005,
          .results_max = 4},
      Marker{.request = 3},
      Marker{.request = 4, .resets_peak = true, .trims_memory = true},
      Goodbye{},
      Ping{},
      Welcome{.worker = "worker 3 on back01",
              .device_kind = "cpu",
              .torch_version = "2.13.0",
              .memory_bytes = uint64_t{80} << 30,
              .credit_bytes = 1 << 20,
              .rank = 3,
              .ranks = 300},
      Refused{.code = Code::kPermissionDenied, .text = "epoch is older"},
      Credit{.bytes = 4096, .memory = {100, 200, 300}},
      Data{.request = 1, .range = 1, .bytes = "abcd"},
      Answer{.request = 2, .results = values()},
      Reached{.request = 3,
              .sequence = 80,
              .time_ns = 1234567890,
              .busy_ns = 500,
              .memory = {4096, 8192, 16384}},
      Fault{.request = 2,
            .sequence = 80,
            .code = Code::kOutOfRange,
            .op = "aten::index",
            .text = "index 5 is out of bounds"},
      Ending{.code = Code::kAborted, .text = "the lease was revoked"},
      CompileWindows{},
      WindowState{.id = 2,
                  .phase = WindowState::Phase::kUsed,
                  .calls = 465,
                  .compile_ms = 31'000,
                  .interpreted_ns = 2'300'000,
                  .compiled_ns = 1'100'000,
                  .text = "compiled from call 93000 on"},
      Join{.secret = std::string(kSecretBytes, 'g'), .epoch = 12, .rank = 3, .group = 9},
      Joined{.rank = 2},
      JoinMesh{.id = 9, .axes = {2, 1, 300}},
  };
}

}  // namespace moai::dispatch
