// The calls of a rank for one along an indexed factor: its pointers count from where the rank's
// part of the table begins, and those outside do nothing (moai/ops/sharding/indexed.h).
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "moai/compiler/analysis/factors.h"
#include "moai/ops/sharding/indexed.h"

namespace moai::compiler {

struct LocalCall {
  ops::CallSignature signature{};
  std::vector<graph::StorageId> storages{};
  std::vector<uint64_t> words{};
};

// The rank's part of the table.
struct TablePart {
  ops::FactorIndex factor = 0;  // of the rule
  int64_t begin = 0, length = 0;
};

class IndexedCall {
 public:
  using Emit = std::function<void(const LocalCall&)>;
  using MakeStorage = std::function<graph::StorageId()>;

  // `call` is local in everything but its pointers; all are used until run() has returned.
  IndexedCall(const NodeRule& rule, const ops::IndexedForm& form, TablePart part, LocalCall call,
              Emit emit, MakeStorage storage)
      : rule_(rule.rule),
        form_(form),
        part_(part),
        call_(std::move(call)),
        emit_(std::move(emit)),
        make_storage_(std::move(storage)) {}

  // Emits the calls; the storages that they need in between.
  std::vector<graph::StorageId> run();

 private:
  tensor::Geometry like(const tensor::Geometry& g, tensor::DType dtype) const;
  graph::StorageId make(std::string_view op, std::string_view overload, std::vector<ops::Arg> args,
                        std::vector<graph::StorageId> operands, const tensor::Geometry& result);
  void point_into_part();
  int64_t ignore_in_part();
  void set_arguments();
  void zero_outside();

  const ops::ShardingRule& rule_;
  const ops::IndexedForm form_;
  const TablePart part_;
  LocalCall call_;
  const Emit emit_;
  const MakeStorage make_storage_;
  std::vector<graph::StorageId> temporary_;
  graph::StorageId outside_ = 0;  // which pointers are
  tensor::Geometry pointers_{};
};

}  // namespace moai::compiler
