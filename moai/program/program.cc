#include "moai/program/program.h"

#include "moai/ops/call_text.h"

namespace moai::program {
namespace {

using graph::NodeKind;

class Verifier {
 public:
  Verifier(const Program& p, const graph::SignatureTable& signatures)
      : p_(p), signatures_(signatures), signature_count_(signatures.size()) {}

  Status run() {
    for (; at_ < p_.instructions.size(); ++at_) {
      MOAI_RETURN_IF_ERROR(instruction(p_.instructions[at_]));
    }
    if (!p_.is_template) return ok_status();
    if (!p_.words.empty()) return bad("a template has words", p_.words.size());
    if (slots_ != p_.slot_count) return bad("slots used are not slot_count", slots_);
    return ok_status();
  }

 private:
  Status instruction(const Instruction& i) {
    if (i.places_begin > p_.places.size() || i.places_count > p_.places.size() - i.places_begin) {
      return bad("places out of range", i.places_begin);
    }
    MOAI_RETURN_IF_ERROR(words(i));
    MOAI_RETURN_IF_ERROR(counts(i));
    if (!p_.is_template) return ok_status();
    for (Place slot : p_.places_of(i)) {
      if (slot > slots_) return bad("a slot is not in order of first use", slot);
      if (slot == slots_) ++slots_;
    }
    return ok_status();
  }

  Status words(const Instruction& i) {
    if (p_.is_template) {
      if (i.words_begin != words_) return bad("words are not counted on", i.words_begin);
      words_ += i.words_count;
      return ok_status();
    }
    const bool good =
        i.words_begin <= p_.words.size() && i.words_count <= p_.words.size() - i.words_begin;
    return good ? ok_status() : bad("words out of range", i.words_begin);
  }

  Status counts(const Instruction& i) const {
    uint32_t places = 1;
    uint32_t words = 1;
    if (i.kind == NodeKind::kCall) {
      if (i.signature >= signature_count_) return bad("unknown signature", i.signature);
      const ops::Arity& arity = signatures_.at(i.signature).arity;
      places = arity.operands + arity.fresh;
      words = arity.words;
    } else if (i.kind == NodeKind::kFree) {
      if (p_.is_template) return bad("a template releases", p_.places_of(i).size());
      words = 0;
    } else if (i.kind > NodeKind::kFree) {
      return bad("unknown kind", static_cast<uint64_t>(i.kind));
    }
    if (i.places_count != places) return bad("wrong number of places", i.places_count);
    if (i.words_count != words) return bad("wrong number of words", i.words_count);
    return ok_status();
  }

  Status bad(const char* what, uint64_t value) const {
    return invalid_argument("[program.verify] instruction " + std::to_string(at_) + ": " + what +
                            ": " + std::to_string(value));
  }

  const Program& p_;
  const graph::SignatureTable& signatures_;
  const size_t signature_count_;
  size_t at_ = 0;
  uint64_t slots_ = 0;
  uint64_t words_ = 0;
};

const char* verb(NodeKind kind) {
  switch (kind) {
    case NodeKind::kAlloc:
      return "alloc ";
    case NodeKind::kResize:
      return "resize ";
    default:
      return "free ";
  }
}

}  // namespace

Status verify(const Program& p, const graph::SignatureTable& signatures) {
  return Verifier(p, signatures).run();
}

std::string print(const Program& p, const graph::SignatureTable& signatures) {
  const char sigil = p.is_template ? '%' : 's';
  std::string text;
  if (p.is_template) text = "template " + std::to_string(p.slot_count) + " slots\n";
  for (const Instruction& i : p.instructions) {
    const std::span<const uint64_t> words =
        p.is_template ? std::span<const uint64_t>() : p.words_of(i);
    if (i.kind == NodeKind::kCall) {
      text += ops::to_string(signatures.at(i.signature).signature(),
                             {.storages = p.places_of(i), .words = words, .sigil = sigil});
    } else {
      text += verb(i.kind) + std::string(1, sigil) + std::to_string(p.places_of(i)[0]);
      if (!words.empty()) text += " " + std::to_string(words[0]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace moai::program
