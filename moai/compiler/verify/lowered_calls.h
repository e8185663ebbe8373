// LoweredCalls: the calls of lowered windows, decoded once each; a start as the whole call.
#pragma once

#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "moai/graph/window.h"
#include "moai/ops/bundled_call.h"
#include "moai/ops/list_call.h"
#include "moai/ops/started_call.h"

namespace moai::compiler {

struct LoweredCall {
  ops::CallSignature signature{};
  uint32_t operands = 0;
  bool over_lists = false;
  std::optional<std::vector<ops::ListCallPart>> parts{};  // of one over lists
  // Of what ranks do together, one by one; nothing where its lists differ in length.
  std::optional<std::vector<ops::CallSignature>> moves{};
};

class LoweredCalls {
 public:
  // `signatures` outlives it.
  explicit LoweredCalls(const graph::SignatureTable& signatures) : signatures_(signatures) {}

  // Stays where it is.
  const LoweredCall& at(graph::SignatureId id) {
    std::unique_ptr<LoweredCall>& call = calls_[id];
    if (!call) {
      call = std::make_unique<LoweredCall>();
      call->signature = ops::whole_of(signatures_.at(id).signature());
      call->operands = signatures_.at(id).arity.operands;
      call->over_lists = ops::is_list_call(call->signature);
      if (call->over_lists) call->parts = ops::split_list_call(call->signature);
      if (call->signature.op.starts_with("moai::")) {
        call->moves = ops::unbundled_call(call->signature);
      }
    }
    return *call;
  }

 private:
  const graph::SignatureTable& signatures_;
  std::unordered_map<graph::SignatureId, std::unique_ptr<LoweredCall>> calls_;
};

}  // namespace moai::compiler
