// RankLink: one rank of a mesh as its stream sees it: the link, what it answered, and which calls
// of the script its calls are.
//
// Threads: as Exchange; sequences are guarded by a mutex of their own.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "moai/driver/mesh/rank_program.h"
#include "moai/driver/stream/answers.h"
#include "moai/driver/stream/exchange.h"

namespace moai::driver {

class RankLink {
 public:
  RankLink(std::unique_ptr<comm::Link> link, dispatch::Welcome welcome, std::string name,
           const graph::SignatureTable* signatures)
      : name_(std::move(name)),
        exchange_(Exchange::over(std::move(link), std::move(welcome), signatures, &answers_)) {}

  Exchange& exchange() { return *exchange_; }
  const Exchange& exchange() const { return *exchange_; }
  Answers& answers() { return answers_; }
  const std::string& name() const { return name_; }

  dispatch::RequestId next_request() { return ++last_request_; }
  // The number of the first of so many calls that come next, those of the script from
  // `first_sequence` on as `calls` says (RankProgram::calls; empty: none of the script's).
  uint64_t pass(uint64_t first_sequence, std::vector<uint32_t> calls, uint64_t count);
  // The script's sequence of a call of this rank, of a move that of the call before it; 0: none, or
  // long ago.
  uint64_t sequence_of(uint64_t rank_sequence) const;
  uint64_t sequence() const { return sequence_; }

 private:
  static constexpr size_t kRunsKept = 256;
  struct Ran {
    uint64_t first = 0;  // of the rank
    uint64_t first_sequence = 0;
    std::vector<uint32_t> calls{};
  };

  const std::string name_;
  Answers answers_;
  const std::unique_ptr<Exchange> exchange_;
  dispatch::RequestId last_request_ = 0;
  uint64_t sequence_ = 0;
  mutable std::mutex mutex_;
  std::deque<Ran> ran_;  // guarded by mutex_: the newest ones
};

}  // namespace moai::driver
