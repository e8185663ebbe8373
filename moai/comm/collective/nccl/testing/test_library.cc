// Stands in for NCCL in tests: the same functions over host memory, among threads and processes of
// one host. Sums are in the order of ranks. What is enqueued waits for peers for ever, as kernels
// do; only an abort ends it. Communicators must be asked not to block, and a launch must be settled
// before the next.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "moai/comm/collective/nccl/abi.h"
#include "moai/comm/collective/nccl/testing/faults.h"
#include "moai/comm/collective/nccl/testing/host_stream.h"
#include "moai/comm/collective/reduce.h"

#pragma GCC visibility push(default)

namespace {

using namespace moai::comm::nccl;
using moai::comm::HostStream;
using moai::tensor::DType;
using moai::tensor::Reduction;

constexpr size_t kRanks = 8;
constexpr size_t kArea = size_t{32} << 20;   // of a rank, for one collective
constexpr size_t kLetter = size_t{1} << 20;  // of two ranks, for one message
constexpr int kPolls = 3;                    // until a launch is taken

std::atomic<int> failing_rank{-1}, async_code{kSuccess}, version_said{22809};
std::atomic<int> open_count{0}, aborted_count{0}, ids{0};

struct Meeting {
  std::atomic<int> arrived;
  std::atomic<uint64_t> shown[kRanks], read[kRanks];
  std::atomic<uint64_t> written[kRanks][kRanks], taken[kRanks][kRanks];
};
constexpr size_t kHead = 1 << 16;
static_assert(sizeof(Meeting) < kHead);
constexpr size_t kBytes = kHead + kRanks * kArea + kRanks * kRanks * kLetter;

DType dtype_of(Type type) {
  constexpr DType kTypes[] = {DType::kInt8,    DType::kUInt8,   DType::kInt32,   DType::kUInt32,
                              DType::kInt64,   DType::kUInt64,  DType::kFloat16, DType::kFloat32,
                              DType::kFloat64, DType::kBFloat16};
  return kTypes[type];
}
Reduction reduction_of(Op op) {
  constexpr Reduction kOps[] = {Reduction::kSum, Reduction::kProduct, Reduction::kMax,
                                Reduction::kMin};
  return kOps[op];
}

}  // namespace

namespace moai::comm::nccl {

struct OpaqueComm {
  int rank = 0;
  size_t ranks = 1;
  std::byte* memory = nullptr;
  uint64_t calls = 0;
  std::atomic<bool> aborted{false};
  std::atomic<int> state{kInProgress};
  std::atomic<int> running{0};
  bool joined = false, finalized = false;
  std::string name{};  // of the memory, until all have come
  int polls = 0;
  std::function<void()> launch{};     // not yet taken
  std::unique_ptr<HostStream> own{};  // in place of no stream

  Meeting& meeting() const { return *reinterpret_cast<Meeting*>(memory); }
  size_t self() const { return static_cast<size_t>(rank); }
  std::byte* area(size_t of) const { return memory + kHead + of * kArea; }
  std::byte* letter(size_t from, size_t to) const {
    return memory + kHead + kRanks * kArea + (from * kRanks + to) * kLetter;
  }
  template <class Done>
  bool wait(const Done& done) const {
    while (!done()) {
      if (aborted) return false;
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    return true;
  }
  // Shows `bytes` to all, and has each rank work on what all show.
  void meet(const void* data, size_t bytes, const std::function<void()>& work) {
    Meeting& m = meeting();
    const uint64_t call = ++calls;
    const auto all = [&](const std::atomic<uint64_t>* counts, uint64_t least) {
      return wait([=, this] {
        for (size_t r = 0; r < ranks; ++r) {
          if (counts[r] < least) return false;
        }
        return true;
      });
    };
    if (!all(m.read, call - 1)) return;
    if (data) std::memcpy(area(self()), data, bytes);
    m.shown[self()] = call;
    if (!all(m.shown, call)) return;
    work();
    m.read[self()] = call;
  }
};

}  // namespace moai::comm::nccl

namespace {

using moai::comm::nccl::OpaqueComm;

struct Message {
  const void* in = nullptr;
  void* out = nullptr;
  size_t bytes = 0, peer = 0;
  bool done = false;
};

// What the calling thread has between start and end of a group.
struct Pending {
  OpaqueComm* comm = nullptr;
  Stream stream = nullptr;
  std::vector<std::function<void()>> works{};
  std::vector<Message> messages{};
};
thread_local Pending pending;
thread_local int depth = 0;

bool step(OpaqueComm* c, Message* message) {
  Meeting& m = c->meeting();
  const size_t self = c->self(), peer = message->peer;
  if (message->in) {
    if (m.written[self][peer] != m.taken[self][peer]) return false;
    std::memcpy(c->letter(self, peer), message->in, message->bytes);
    ++m.written[self][peer];
  } else {
    if (m.written[peer][self] == m.taken[peer][self]) return false;
    std::memcpy(message->out, c->letter(peer, self), message->bytes);
    ++m.taken[peer][self];
  }
  return message->done = true;
}

void exchange(OpaqueComm* c, std::vector<Message> messages) {
  size_t left = messages.size();
  c->wait([&] {
    // Of one peer and direction only the first that is left.
    bool busy[2][kRanks] = {};
    for (Message& message : messages) {
      bool& waits = busy[message.in ? 0 : 1][message.peer];
      if (message.done || waits) continue;
      if (step(c, &message)) {
        --left;
      } else {
        waits = true;
      }
    }
    return left == 0;
  });
}

Code add(OpaqueComm* c, Stream stream, size_t bytes, size_t most) {
  if (depth == 0 || (pending.comm && pending.comm != c)) return kInvalidUsage;
  if (c->state != kSuccess || c->finalized) return kInvalidUsage;
  if (bytes > most) return kInternalError;
  pending.comm = c;
  pending.stream = stream;
  return kSuccess;
}

Code add_work(OpaqueComm* c, Stream stream, size_t bytes, std::function<void()> work) {
  if (const Code code = add(c, stream, bytes, kArea); code != kSuccess) return code;
  pending.works.push_back(std::move(work));
  return kSuccess;
}

// The part at `offset` that all show, reduced.
void reduce_shown(OpaqueComm* c, size_t offset, size_t count, Type type, Op op, void* out) {
  std::vector<const std::byte*> parts;
  for (size_t r = 0; r < c->ranks; ++r) parts.push_back(c->area(r) + offset);
  std::vector<std::byte> sum(count * moai::tensor::dtype_size(dtype_of(type)));
  moai::comm::reduce(parts, count, dtype_of(type), reduction_of(op), sum.data());
  std::memcpy(out, sum.data(), sum.size());
}

size_t size_of(Type type) { return moai::tensor::dtype_size(dtype_of(type)); }

void end(OpaqueComm* c) {
  c->aborted = true;
  if (std::exchange(c->launch, nullptr)) c->running -= 1;  // it was never taken
  while (c->running > 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
  c->own.reset();
  ::munmap(c->memory, kBytes);
  if (!c->joined) ::shm_unlink(c->name.c_str());
  delete c;
  --open_count;
}

}  // namespace

extern "C" {

void moai_test_nccl_fail_init(int rank) { failing_rank = rank; }
void moai_test_nccl_async_error(int code) { async_code = code; }
void moai_test_nccl_version(int version) { version_said = version; }
int moai_test_nccl_open() { return open_count; }
int moai_test_nccl_aborted() { return aborted_count; }

Code ncclGetVersion(int* version) {
  *version = version_said;
  return kSuccess;
}
const char* ncclGetErrorString(Code code) {
  constexpr const char* kTexts[] = {
      "no error",         "unhandled device error", "system error",   "internal error",
      "invalid argument", "invalid usage",          "a remote error", "in progress"};
  return kTexts[code];
}
const char* ncclGetLastError(Comm) { return "the test library has no more to say"; }

Code ncclGetUniqueId(UniqueId* id) {
  const std::string name =
      "/moai-test-nccl-" + std::to_string(::getpid()) + "-" + std::to_string(++ids);
  const int file = ::shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
  if (file < 0 || ::ftruncate(file, kBytes) != 0) return kSystemError;
  ::close(file);
  std::memcpy(id->bytes, name.c_str(), name.size() + 1);
  return kSuccess;
}

Code ncclCommInitRankConfig(Comm* comm, int ranks, UniqueId id, int rank, Config* config) {
  if (config->magic != 0xcafebeef || config->version != 21400 || config->blocking != 0) {
    return kInvalidArgument;
  }
  if (failing_rank == rank) return kSystemError;
  const int file = ::shm_open(id.bytes, O_RDWR, 0600);
  if (file < 0) return kSystemError;
  void* const memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  ::close(file);
  if (memory == MAP_FAILED) return kSystemError;
  auto* made = new OpaqueComm{.rank = rank, .ranks = static_cast<size_t>(ranks)};
  made->memory = static_cast<std::byte*>(memory);
  made->name = id.bytes;
  ++open_count;
  if (made->meeting().arrived.fetch_add(1) + 1 == ranks) ::shm_unlink(id.bytes);
  *comm = made;
  return kInProgress;
}

Code ncclCommGetAsyncError(Comm c, Code* code) {
  if (!c->joined && c->meeting().arrived == static_cast<int>(c->ranks)) {
    c->joined = true;
    c->state = kSuccess;
  }
  if (c->launch && ++c->polls == kPolls) {
    std::exchange(c->launch, nullptr)();
  }
  *code = async_code != kSuccess ? static_cast<Code>(async_code.load())
                                 : static_cast<Code>(c->state.load());
  return kSuccess;
}

Code ncclCommFinalize(Comm c) {
  c->finalized = true;
  return kSuccess;
}
Code ncclCommDestroy(Comm c) {
  if (!c->finalized || c->running > 0) return kInvalidUsage;
  end(c);
  return kSuccess;
}
Code ncclCommAbort(Comm c) {
  end(c);
  ++aborted_count;
  return kSuccess;
}

Code ncclGroupStart() {
  ++depth;
  return kSuccess;
}

Code ncclGroupEnd() {
  if (--depth > 0) return kSuccess;
  Pending now = std::exchange(pending, {});
  OpaqueComm* const c = now.comm;
  if (!c) return kSuccess;
  c->state = kInProgress;
  c->polls = 0;
  c->running += 1;
  const bool in_line = now.stream == nullptr;
  if (in_line && !c->own) c->own = std::make_unique<HostStream>();
  HostStream* const stream = in_line ? c->own.get() : static_cast<HostStream*>(now.stream);
  auto work = [c, in_line, works = std::move(now.works), messages = std::move(now.messages)] {
    for (const auto& one : works) one();
    exchange(c, messages);
    if (in_line) c->state = kSuccess;
    c->running -= 1;
  };
  c->launch = [c, stream, in_line, work = std::move(work)] {
    stream->enqueue(work);
    if (!in_line) c->state = kSuccess;
  };
  return kInProgress;
}

Code ncclAllReduce(const void* in, void* out, size_t count, Type type, Op op, Comm c,
                   Stream stream) {
  const size_t bytes = count * size_of(type);
  return add_work(c, stream, bytes,
                  [=] { c->meet(in, bytes, [=] { reduce_shown(c, 0, count, type, op, out); }); });
}
Code ncclReduce(const void* in, void* out, size_t count, Type type, Op op, int root, Comm c,
                Stream stream) {
  const size_t bytes = count * size_of(type);
  return add_work(c, stream, bytes, [=] {
    c->meet(in, bytes, [=] {
      if (root == c->rank) reduce_shown(c, 0, count, type, op, out);
    });
  });
}
Code ncclReduceScatter(const void* in, void* out, size_t count, Type type, Op op, Comm c,
                       Stream stream) {
  const size_t bytes = count * size_of(type);
  return add_work(c, stream, bytes * c->ranks, [=] {
    c->meet(in, bytes * c->ranks,
            [=] { reduce_shown(c, c->self() * bytes, count, type, op, out); });
  });
}
Code ncclAllGather(const void* in, void* out, size_t count, Type type, Comm c, Stream stream) {
  const size_t bytes = count * size_of(type);
  return add_work(c, stream, bytes, [=] {
    c->meet(in, bytes, [=] {
      for (size_t r = 0; r < c->ranks; ++r) {
        std::memcpy(static_cast<std::byte*>(out) + r * bytes, c->area(r), bytes);
      }
    });
  });
}
Code ncclBroadcast(const void* in, void* out, size_t count, Type type, int root, Comm c,
                   Stream stream) {
  const size_t bytes = count * size_of(type);
  return add_work(c, stream, bytes, [=] {
    c->meet(root == c->rank ? in : nullptr, bytes,
            [=] { std::memcpy(out, c->area(static_cast<size_t>(root)), bytes); });
  });
}
Code ncclSend(const void* in, size_t count, Type type, int peer, Comm c, Stream stream) {
  const size_t bytes = count * size_of(type);
  if (const Code code = add(c, stream, bytes, kLetter); code != kSuccess) return code;
  pending.messages.push_back({.in = in, .bytes = bytes, .peer = static_cast<size_t>(peer)});
  return kSuccess;
}
Code ncclRecv(void* out, size_t count, Type type, int peer, Comm c, Stream stream) {
  const size_t bytes = count * size_of(type);
  if (const Code code = add(c, stream, bytes, kLetter); code != kSuccess) return code;
  pending.messages.push_back({.out = out, .bytes = bytes, .peer = static_cast<size_t>(peer)});
  return kSuccess;
}

}  // extern "C"

#pragma GCC visibility pop
