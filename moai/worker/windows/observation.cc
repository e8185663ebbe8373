#include "moai/worker/windows/observation.h"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace moai::worker {
namespace {

constexpr uint32_t kCallsMin = 16;  // of fewer there is little to gain

std::string hex(uint64_t value) {
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, 16).ptr;
  return std::string(digits, end);
}

bool draws(const ops::CallSignature& s) {
  return std::ranges::any_of(s.args,
                             [](const ops::Arg& a) { return a.kind == ops::ArgKind::kGenerator; });
}

// Of the fresh results, in order, whether they have no elements: all such share a slot.
void collect_empty(const ops::Result& r, std::vector<bool>* empty) {
  if (r.kind == ops::ResultKind::kFresh) empty->push_back(tensor::element_count(r.geometry) == 0);
  for (const ops::Result& item : r.items) collect_empty(item, empty);
}
std::vector<bool> empty_results(const ops::CallSignature& s) {
  std::vector<bool> empty;
  for (const ops::Result& r : s.results) collect_empty(r, &empty);
  return empty;
}

// Why an instruction can be no part of a package; empty when it can.
std::string obstacle(const program::Instruction& i, const graph::SignatureTable& signatures) {
  if (i.kind == graph::NodeKind::kResize) return "a storage is resized";
  if (i.kind != graph::NodeKind::kCall) return "";
  const ops::CallSignature s = signatures.at(i.signature).signature();
  if (!s.op.starts_with("aten::")) return s.op + " is no operator of torch";
  return draws(s) ? s.op + " draws random numbers" : "";
}

}  // namespace

Observation::Observation(const program::Program& program, const graph::SignatureTable& signatures)
    : signatures_(signatures), made_(program.slot_count), live_(program.slot_count) {
  std::vector<bool> known(program.slot_count);
  for (const program::Instruction& i : program.instructions) {
    const bool is_call = i.kind == graph::NodeKind::kCall;
    calls_ += is_call ? 1 : 0;
    const auto places = program.places_of(i);
    // Operands stand before fresh results; what an alloc names is fresh.
    size_t fresh_from = i.kind == graph::NodeKind::kAlloc ? 0 : places.size();
    std::vector<bool> empty;
    if (is_call) {
      fresh_from = signatures.at(i.signature).arity.operands;
      empty = empty_results(signatures.at(i.signature).signature());
    }
    for (size_t k = 0; k < places.size(); ++k) {
      const bool is_fresh = k >= fresh_from;
      const bool is_empty = is_call && is_fresh && empty[k - fresh_from];
      if (is_fresh && !known[places[k]]) made_[places[k]] = true;
      if (is_fresh && known[places[k]] && !is_empty) makes_anew_ = true;
      known[places[k]] = true;
    }
  }
}

void Observation::add(const Instance& run) {
  if (runs_++ == 0) {
    words_ = run.words;
    changes_.assign(words_.size(), false);
  }
  for (size_t i = 0; i < words_.size(); ++i) {
    if (run.words[i] != words_[i]) changes_[i] = true;
  }
  for (size_t slot = 0; slot < made_.size(); ++slot) {
    if (made_[slot] && !run.released[slot]) live_[slot] = true;
  }
  input_bytes_ = run.input_bytes;
}

Result<std::string> Observation::request(const program::Program& program,
                                         const std::string& torch_version,
                                         const std::string& processor, int threads) const {
  if (calls_ < kCallsMin) return failed_precondition("too few operators to gain by compiling");
  if (makes_anew_) return failed_precondition("a storage is used, released and made anew");
  for (const program::Instruction& i : program.instructions) {
    std::string why = obstacle(i, signatures_);
    if (!why.empty()) return failed_precondition(std::move(why));
  }
  std::string text = "moai-compile-request 1\ntorch " + torch_version + "\nprocessor " + processor +
                     "\nthreads " + std::to_string(threads) + "\nbytes";
  for (size_t slot = 0; slot < made_.size(); ++slot) {
    if (made_[slot]) continue;
    if (!input_bytes_[slot]) return failed_precondition("a tensor without elements");
    text += " " + std::to_string(slot) + ":" + std::to_string(input_bytes_[slot]);
  }
  text += "\nlive";
  for (size_t slot = 0; slot < live_.size(); ++slot) {
    if (live_[slot]) text += " " + std::to_string(slot);
  }
  text += "\nwords";
  for (size_t i = 0; i < words_.size(); ++i) text += changes_[i] ? " -" : " " + hex(words_[i]);
  return text + "\n" + program::print(program, signatures_);
}

bool Observation::fits(const Instance& run, const PackageLayout& layout) const {
  for (size_t slot = 0; slot < made_.size(); ++slot) {
    if (made_[slot] && !live_[slot] && !run.released[slot]) return false;
  }
  if (run.input_bytes != input_bytes_ || run.words.size() != words_.size()) return false;
  std::vector<bool> free(words_.size());
  for (const PackageLayout::Item& parameter : layout.parameters) {
    if (parameter.at < free.size()) free[parameter.at] = true;
    // A number of the host has two words.
    if (parameter.geometry.dtype != tensor::DType::kFloat64 && parameter.at + 1 < free.size()) {
      free[parameter.at + 1] = true;
    }
  }
  for (size_t i = 0; i < words_.size(); ++i) {
    if (!free[i] && run.words[i] != words_[i]) return false;
  }
  return true;
}

}  // namespace moai::worker
