// Replay: what a Worker would execute for a sequence of messages, as one flat list of text lines.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "moai/dispatch/messages.h"

namespace moai::driver {

class Replay {
 public:
  // "call 3 [7 8 9] [1]", "alloc [7] [64]", "free 7", "upload 7", "read 7", "ask 5", "marker".
  std::vector<std::string> lines;
  uint64_t next_sequence = 1;
  std::string error;  // what a Worker would refuse

  void take(const std::vector<dispatch::Message>& messages) {
    for (const dispatch::Message& message : messages) std::visit(*this, message);
  }

  void operator()(const dispatch::Run& run) {
    check_sequence(run.first_sequence, run.program.instructions);
    for (const program::Instruction& i : run.program.instructions) {
      const auto words = run.program.words_of(i);
      execute(i, {run.program.places_of(i).begin(), run.program.places_of(i).end()},
              {words.begin(), words.end()});
    }
  }
  void operator()(const dispatch::DefineTemplate& define) {
    if (!templates_.emplace(define.id, define.program).second) error = "template defined twice";
  }
  void operator()(const dispatch::DropTemplate& drop) {
    if (!templates_.erase(drop.id)) error = "unknown template dropped";
  }
  void operator()(const dispatch::RunTemplate& run) {
    const auto at = templates_.find(run.id);
    if (at == templates_.end()) {
      error = "unknown template run";
      return;
    }
    const program::Program& p = at->second;
    if (run.begin == 0) bindings_.clear();
    if (run.end > p.instructions.size() || (run.begin != 0 && run.begin != position_)) {
      error = "a part that does not follow";
      return;
    }
    bindings_.insert(bindings_.end(), run.bindings.begin(), run.bindings.end());
    check_sequence(run.first_sequence,
                   {p.instructions.begin() + run.begin, p.instructions.begin() + run.end});
    size_t release = 0, word = 0;
    const auto free_until = [&](uint32_t i) {
      while (release < run.releases.size() && run.releases[release].before <= i) {
        lines.push_back("free " + std::to_string(run.releases[release++].storage));
      }
    };
    for (uint32_t i = run.begin; i < run.end; ++i) {
      free_until(i);
      const program::Instruction& in = p.instructions[i];
      std::vector<uint64_t> places, words;
      for (const program::Place slot : p.places_of(in)) {
        if (slot >= bindings_.size()) {
          error = "unbound slot";
          return;
        }
        places.push_back(bindings_[slot]);
      }
      for (uint32_t w = 0; w < in.words_count; ++w) words.push_back(run.words.at(word++));
      execute(in, places, words);
    }
    free_until(run.end);
    if (word != run.words.size()) error = "words left over";
    if (release != run.releases.size()) error = "releases out of range";
    position_ = run.end;
  }
  void operator()(const dispatch::Upload& upload) {
    lines.push_back("upload " + std::to_string(upload.storage));
  }
  void operator()(const dispatch::Read& read) {
    lines.push_back("read " + std::to_string(read.ranges[0].storage));
  }
  void operator()(const dispatch::Ask& ask) {
    if (ask.sequence != next_sequence++) error = "ask out of sequence";
    lines.push_back("ask " + std::to_string(ask.signature));
  }
  void operator()(const dispatch::Marker&) { lines.push_back("marker"); }
  template <class Other>
  void operator()(const Other&) {
    error = "a message that no driver records";
  }

  static std::string line(const char* kind, uint64_t signature,
                          const std::vector<uint64_t>& storages,
                          const std::vector<uint64_t>& words) {
    std::string text = kind;
    if (text == "call") text += " " + std::to_string(signature);
    text += " [";
    for (const uint64_t s : storages) text += std::to_string(s) + " ";
    text += "] [";
    for (const uint64_t w : words) text += std::to_string(w) + " ";
    return text + "]";
  }

 private:
  void check_sequence(uint64_t first, const std::vector<program::Instruction>& instructions) {
    uint64_t calls = 0;
    for (const auto& i : instructions) calls += i.kind == graph::NodeKind::kCall;
    if (calls && first != next_sequence) error = "sequence " + std::to_string(first);
    next_sequence += calls;
  }
  void execute(const program::Instruction& i, const std::vector<uint64_t>& places,
               const std::vector<uint64_t>& words) {
    switch (i.kind) {
      case graph::NodeKind::kCall:
        return lines.push_back(line("call", i.signature, places, words));
      case graph::NodeKind::kAlloc:
        return lines.push_back(line("alloc", 0, places, words));
      case graph::NodeKind::kResize:
        return lines.push_back(line("resize", 0, places, words));
      case graph::NodeKind::kFree:
        return lines.push_back("free " + std::to_string(places[0]));
    }
  }

  std::map<dispatch::TemplateId, program::Program> templates_;
  std::vector<uint64_t> bindings_;
  uint32_t position_ = 0;
};

}  // namespace moai::driver
