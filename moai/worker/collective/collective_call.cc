#include "moai/worker/collective/collective_call.h"

#include <algorithm>

#include "moai/ops/bundled_call.h"
#include "moai/ops/call_tensors.h"
#include "moai/ops/started_call.h"
#include "moai/tensor/along.h"
#include "moai/tensor/reduction.h"
#include "moai/worker/collective/direct_exchange.h"
#include "moai/worker/collective/exchange.h"

namespace moai::worker {
namespace {

using ops::Arg;
using ops::ArgKind;
using tensor::Geometry;

constexpr std::string_view kOperators[] = {
    "moai::all_reduce", "moai::all_gather", "moai::reduce_scatter", "moai::all_to_all",
    "moai::send",       "moai::receive",    "moai::broadcast",      "moai::wait"};
// All messages of programs, which are received in the order in which they are sent.
constexpr uint64_t kTag = 0;

uint64_t bytes_of(const Geometry& g) {
  return static_cast<uint64_t>(tensor::element_count(g)) * tensor::dtype_size(g.dtype);
}
uint64_t offset_of(const Geometry& g) {
  return static_cast<uint64_t>(g.offset) * tensor::dtype_size(g.dtype);
}

class CollectiveCall : public device::Call {
 public:
  CollectiveCall(const ops::CallSignature& s, device::Device* device, Groups* groups,
                 comm::Group* group)
      : signature_(s), device_(*device), group_(*group), groups_(*groups) {}

  Status run(std::span<device::Buffer* const> operands, std::span<const uint64_t>,
             std::span<device::BufferPtr> fresh) final {
    const Status status = exchange(operands, fresh);
    if (!status.ok()) groups_.abort(status);
    return status;
  }
  void skipped(const Status& why) override { groups_.abort(why); }

  Result<std::vector<device::DynamicValue>> ask(std::span<device::Buffer* const>,
                                                std::span<const uint64_t>) override {
    return unimplemented("[worker.collective] " + signature_.op + " has no unknown shape");
  }

 protected:
  virtual Status exchange(std::span<device::Buffer* const> operands,
                          std::span<device::BufferPtr> fresh) = 0;

  // Of operands that go through host memory.
  template <class Take>
  Status taken_from_device(const Take& take) {
    const DirectGroups::Waiting waiting(&groups_.direct());
    MOAI_RETURN_IF_ERROR(take());
    return groups_.direct().check(false);
  }
  Status allocate(std::span<device::BufferPtr> fresh) {
    size_t i = 0;
    for (const ops::Result* r : ops::fresh_results(signature_)) {
      device::BufferPtr& made = fresh[i++];
      const uint64_t bytes = bytes_of(r->geometry);
      if (bytes == 0) continue;
      MOAI_ASSIGN_OR_RETURN(made, device_.allocate(bytes));
    }
    return ok_status();
  }
  // What an exchange makes: of a sum its operands.
  std::vector<device::Buffer*> made(std::span<device::Buffer* const> operands,
                                    std::span<const device::BufferPtr> fresh) const {
    if (ops::makes_in_place(signature_)) return {operands.begin(), operands.end()};
    std::vector<device::Buffer*> made;
    for (const device::BufferPtr& b : fresh) made.push_back(b.get());
    return made;
  }

  const ops::CallSignature signature_;
  device::Device& device_;
  comm::Group& group_;
  Groups& groups_;
};

// An exchange that nothing goes on beside.
class Whole final : public CollectiveCall {
 public:
  Whole(const ops::CallSignature& s, device::Device* device, Groups* groups, comm::Group* group)
      : CollectiveCall(s, device, groups, group),
        exchange_(make_exchange(s, static_cast<size_t>(group->rank()))) {}

 private:
  Status exchange(std::span<device::Buffer* const> operands,
                  std::span<device::BufferPtr> fresh) override {
    groups_.started().run_dry();
    char* const memory = groups_.scratch(exchange_->room()).data();
    MOAI_RETURN_IF_ERROR(
        taken_from_device([&] { return exchange_->take(&device_, operands, memory); }));
    MOAI_RETURN_IF_ERROR(exchange_->meet(&group_, memory));
    groups_.count_received(exchange_->received_bytes());
    MOAI_RETURN_IF_ERROR(allocate(fresh));
    return exchange_->give(&device_, memory, made(operands, fresh));
  }

  const std::shared_ptr<const Exchange> exchange_;
};

class Start final : public CollectiveCall {
 public:
  Start(const ops::CallSignature& s, device::Device* device, Groups* groups, comm::Group* group)
      : CollectiveCall(s, device, groups, group),
        exchange_(make_exchange(s, static_cast<size_t>(group->rank()))) {}

 private:
  Status exchange(std::span<device::Buffer* const> operands,
                  std::span<device::BufferPtr> fresh) override {
    StartedExchanges::Started s{.exchange = exchange_, .group = &group_};
    s.memory = groups_.started().memory(exchange_->room(), &s.memory_bytes);
    MOAI_RETURN_IF_ERROR(
        taken_from_device([&] { return exchange_->take(&device_, operands, s.memory.get()); }));
    MOAI_RETURN_IF_ERROR(allocate(fresh));
    s.made = made(operands, fresh);
    groups_.started().start(std::move(s));
    return ok_status();
  }

  const std::shared_ptr<const Exchange> exchange_;
};

class Wait final : public CollectiveCall {
 public:
  using CollectiveCall::CollectiveCall;

 private:
  Status exchange(std::span<device::Buffer* const> operands,
                  std::span<device::BufferPtr>) override {
    if (groups_.take_enqueued(operands)) return ok_status();
    MOAI_ASSIGN_OR_RETURN(StartedExchanges::Started s, groups_.started().finish(operands));
    groups_.count_received(s.exchange->received_bytes());
    MOAI_RETURN_IF_ERROR(s.exchange->give(&device_, s.memory.get(), operands));
    groups_.started().done(std::move(s));
    return ok_status();
  }
};

// From device to device. A start enqueues too, and its wait has nothing to do: calls that need what
// it makes are behind it in the stream.
class Enqueue final : public CollectiveCall {
 public:
  Enqueue(const ops::CallSignature& s, device::Device* device, Groups* groups, comm::Group* group,
          std::unique_ptr<DirectExchange> exchange)
      : CollectiveCall(s, device, groups, group), exchange_(std::move(exchange)) {}

 private:
  Status exchange(std::span<device::Buffer* const> operands,
                  std::span<device::BufferPtr> fresh) override {
    MOAI_RETURN_IF_ERROR(allocate(fresh));
    std::vector<device::Buffer*> result = made(operands, fresh);
    MOAI_RETURN_IF_ERROR(exchange_->enqueue(&groups_.direct(), operands, result));
    groups_.count_received(exchange_->received_bytes());
    if (ops::is_start(signature_)) groups_.enqueued(std::move(result));
    return ok_status();
  }

  const std::unique_ptr<DirectExchange> exchange_;
};

// ---- of one rank to others

bool gives(const ops::CallSignature& s) { return !ops::tensor_operands(s).empty(); }

// The other rank, of what goes to one or comes from one.
int64_t peer_of(const ops::CallSignature& s) { return s.args[s.args.size() - 2].ints[0]; }

class Message : public CollectiveCall {
 public:
  using CollectiveCall::CollectiveCall;

  Status exchange(std::span<device::Buffer* const> operands,
                  std::span<device::BufferPtr> fresh) final {
    groups_.started().run_dry();
    if (gives(signature_)) {
      MOAI_ASSIGN_OR_RETURN(std::string bytes, taken(operands));
      return give(&bytes);
    }
    std::string bytes;
    for (const ops::Result& r : signature_.results)
      bytes.resize(bytes.size() + bytes_of(r.geometry));
    MOAI_RETURN_IF_ERROR(get(&bytes));
    size_t begin = 0;
    for (size_t i = 0; i < fresh.size(); ++i) {
      const size_t size = bytes_of(signature_.results[i].geometry);
      MOAI_RETURN_IF_ERROR(make(std::string_view(bytes).substr(begin, size), &fresh[i]));
      begin += size;
    }
    return ok_status();
  }

 private:
  // Bytes of the operands, one after the other.
  Result<std::string> taken(std::span<device::Buffer* const> operands) {
    std::string all;
    size_t i = 0;
    for (const Arg* a : ops::tensor_operands(signature_)) {
      const device::Buffer* operand = operands[i++];
      const uint64_t bytes = bytes_of(a->geometry), begin = all.size();
      if (bytes == 0) continue;
      all.resize(begin + bytes);
      MOAI_RETURN_IF_ERROR(taken_from_device([&] {
        return device_.copy_out(*operand, offset_of(a->geometry), bytes, all.data() + begin);
      }));
    }
    return all;
  }
  Status make(std::string_view bytes, device::BufferPtr* out) {
    if (bytes.empty()) return ok_status();
    groups_.count_received(bytes.size());
    MOAI_ASSIGN_OR_RETURN(*out, device_.allocate(bytes.size()));
    return device_.copy_in(out->get(), 0, bytes);
  }

 protected:
  virtual Status give(std::string* bytes) = 0;
  virtual Status get(std::string* bytes) = 0;  // as many as there are
  int peer() const { return static_cast<int>(peer_of(signature_)); }
};

class ToOne final : public Message {
 public:
  using Message::Message;

 private:
  Status give(std::string* bytes) override {
    return group_.send(peer(), kTag, bytes->data(), bytes->size());
  }
  Status get(std::string* bytes) override {
    return group_.receive(peer(), kTag, bytes->data(), bytes->size());
  }
};

class ToAll final : public Message {
 public:
  using Message::Message;

 private:
  Status give(std::string* bytes) override { return get(bytes); }
  Status get(std::string* bytes) override {
    return group_.broadcast(bytes->data(), bytes->size(), peer());
  }
};

// ---- whether a signature is one

bool is_plain(const Geometry& g) { return g.flags == 0 && tensor::is_contiguous(g); }
bool is_number(const Arg& a) { return a.kind == ArgKind::kInt && a.ints.size() == 1; }

// Shares along a dimension of `whole`, of which this rank's operand or result is `mine`.
bool are_shares(const Arg& dimension, const Arg& shares, const comm::Group& group,
                const Geometry& mine, const Geometry& whole) {
  if (!is_number(dimension) || shares.kind != ArgKind::kIntList) return false;
  const int64_t d = dimension.ints[0];
  if (d < 0 || d >= static_cast<int64_t>(whole.sizes.size())) return false;
  if (shares.ints.size() != static_cast<size_t>(group.size())) return false;
  if (std::ranges::any_of(shares.ints, [](int64_t n) { return n < 0; })) return false;
  Geometry expected = whole;
  expected.sizes[static_cast<size_t>(d)] = shares.ints[static_cast<size_t>(group.rank())];
  return mine.sizes == expected.sizes && mine.dtype == whole.dtype &&
         tensor::begin_of(shares.ints, shares.ints.size()) == whole.sizes[static_cast<size_t>(d)];
}

bool is_reduction(const Arg& a) {
  return a.kind == ArgKind::kString && tensor::reduction_from_name(a.text).has_value();
}

// Of what is made, as wait_of() says.
bool is_sound_wait(const ops::CallSignature& s) {
  if (s.args.size() != 2 || s.args[0].kind != ArgKind::kList) return false;
  return !s.args[0].items.empty() && std::ranges::all_of(s.args[0].items, [](const Arg& a) {
    return a.kind == ArgKind::kTensor && a.written && is_plain(a.geometry);
  });
}

bool is_all_reduce(const ops::CallSignature& s) {
  if (s.args.size() != 3 || !is_reduction(s.args[1])) return false;
  const auto operands = ops::tensor_operands(s);
  return !operands.empty() && std::ranges::all_of(operands, [&](const Arg* a) {
    return a->written && is_plain(a->geometry) && a->geometry.dtype == operands[0]->geometry.dtype;
  });
}

// An item of the others has one operand and one result.
bool moves(const ops::CallSignature& s) {
  return !s.args.empty() && s.args[0].kind == ArgKind::kTensor && is_plain(s.args[0].geometry) &&
         s.results.size() == 1 && s.results[0].kind == ops::ResultKind::kFresh &&
         is_plain(s.results[0].geometry);
}

bool is_message(const ops::CallSignature& s, const comm::Group& group) {
  const auto operands = ops::tensor_operands(s);
  const size_t lists = operands.empty() ? 0 : 1;
  if (s.args.size() != lists + 2 || !is_number(s.args[lists])) return false;
  const int64_t peer = peer_of(s);
  if (peer < 0 || peer >= group.size()) return false;
  const bool to_all = s.op == "moai::broadcast";
  // Who has the value has it still.
  const bool is_root = peer == group.rank();
  if (is_root != (to_all && lists == 1) || (!to_all && (s.op == "moai::send") != (lists == 1))) {
    return false;
  }
  if (lists == 1) {
    return std::ranges::all_of(operands, [](const Arg* a) { return is_plain(a->geometry); });
  }
  return !s.results.empty() && std::ranges::all_of(s.results, [](const ops::Result& r) {
    return r.kind == ops::ResultKind::kFresh && is_plain(r.geometry);
  });
}

// One item of a call that changes who has which share.
bool is_sound_item(const ops::CallSignature& s, const comm::Group& group) {
  if (!moves(s)) return false;
  const std::vector<Arg>& a = s.args;
  const Geometry& in = a[0].geometry;
  const Geometry& out = s.results[0].geometry;
  if (s.op == "moai::all_gather") return a.size() == 4 && are_shares(a[1], a[2], group, in, out);
  if (s.op == "moai::reduce_scatter") {
    return a.size() == 5 && is_reduction(a[3]) && are_shares(a[1], a[2], group, out, in);
  }
  if (a.size() != 6 || !is_number(a[1]) || !is_number(a[3])) return false;
  // In between all of both dimensions would be there.
  const int64_t d = a[3].ints[0];
  if (d < 0 || d >= static_cast<int64_t>(in.sizes.size()) || d == a[1].ints[0]) return false;
  if (in.sizes.size() != out.sizes.size()) return false;
  Geometry whole = out;
  whole.sizes[static_cast<size_t>(d)] = in.sizes[static_cast<size_t>(d)];
  return are_shares(a[1], a[2], group, in, whole) && are_shares(a[3], a[4], group, out, whole);
}

bool is_sound(const ops::CallSignature& s, const comm::Group& group) {
  if (!s.overload.empty() && !ops::is_start(s)) return false;
  if (ops::is_wait(s)) return is_sound_wait(s);
  const auto items = ops::unbundled_call(s);
  if (!items) return false;
  if (s.op == "moai::all_reduce") return is_all_reduce(s);
  if (s.op == "moai::send" || s.op == "moai::receive" || s.op == "moai::broadcast") {
    return is_message(s, group);
  }
  const auto dtype = [](const ops::CallSignature& item) {
    return ops::tensor_operands(item)[0]->geometry.dtype;
  };
  return std::ranges::all_of(*items, [&](const ops::CallSignature& item) {
    const bool alike = s.op != "moai::reduce_scatter" || dtype(item) == dtype((*items)[0]);
    return is_sound_item(item, group) && alike;
  });
}

}  // namespace

bool is_collective(std::string_view op) {
  return std::ranges::find(kOperators, op) != std::end(kOperators);
}

Result<std::unique_ptr<device::Call>> make_collective_call(const ops::CallSignature& signature,
                                                           device::Device* device, Groups* groups) {
  if (signature.args.empty() || !is_number(signature.args.back())) {
    return invalid_argument("[worker.collective] no group: " + to_string(signature));
  }
  const auto number = static_cast<uint64_t>(signature.args.back().ints[0]);
  MOAI_ASSIGN_OR_RETURN(comm::Group * group, groups->at(number));
  if (!is_sound(signature, *group)) {
    return invalid_argument("[worker.collective] no collective of rank " +
                            std::to_string(group->rank()) + " of " + std::to_string(group->size()) +
                            ": " + to_string(signature));
  }
  const auto made = [&]<class T>(std::in_place_type_t<T>) -> std::unique_ptr<device::Call> {
    return std::make_unique<T>(signature, device, groups, group);
  };
  if (comm::NcclCommunicator* const direct = groups->direct().at(number)) {
    MOAI_ASSIGN_OR_RETURN(auto exchange,
                          make_direct_exchange(ops::whole_of(signature), device, direct));
    if (exchange) {
      return std::unique_ptr<device::Call>(
          std::make_unique<Enqueue>(signature, device, groups, group, std::move(exchange)));
    }
  }
  if (ops::is_wait(signature)) return made(std::in_place_type<Wait>);
  if (ops::is_start(signature)) return made(std::in_place_type<Start>);
  if (signature.op == "moai::broadcast") return made(std::in_place_type<ToAll>);
  if (signature.op == "moai::send" || signature.op == "moai::receive") {
    return made(std::in_place_type<ToOne>);
  }
  return made(std::in_place_type<Whole>);
}

}  // namespace moai::worker
