#include "moai/ops/sharding/notation.h"

#include <algorithm>

namespace moai::ops::sharding {
namespace {

struct Mark {
  char sign;
  FactorKind kind;
  Reduction reduction;
};
constexpr Mark kMarks[] = {
    {'+', FactorKind::kReduced, Reduction::kSum},
    {'>', FactorKind::kReduced, Reduction::kMax},
    {'<', FactorKind::kReduced, Reduction::kMin},
    {'&', FactorKind::kReduced, Reduction::kAll},
    {'|', FactorKind::kReduced, Reduction::kAny},
    {'*', FactorKind::kReduced, Reduction::kProduct},
    {'#', FactorKind::kReduced, Reduction::kNorm2},
    {'!', FactorKind::kFrozen, Reduction::kSum},
    {'@', FactorKind::kIndexed, Reduction::kSum},
};

const Mark* mark_of(char c) {
  const Mark* found = std::ranges::find(kMarks, c, &Mark::sign);
  return found == std::end(kMarks) ? nullptr : found;
}

bool is_letter(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Recursive descent. After the first mistake nothing more is consumed.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Notation row() {
    if (!take("->")) {
      terms(&out_.args);
      if (!take("->")) fail("\"->\" is missing");
    }
    spaces();
    if (!text_.empty()) terms(&out_.results);
    if (error_.empty() && !text_.empty()) fail("unexpected \"" + std::string(text_) + "\"");
    return std::move(out_);
  }
  const std::string& error() const { return error_; }

 private:
  void fail(std::string why) {
    if (error_.empty()) error_ = std::move(why);
    text_ = {};
  }
  void spaces() {
    while (text_.starts_with(' ')) text_.remove_prefix(1);
  }
  bool take(std::string_view token) {
    spaces();
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }

  void terms(std::vector<Term>* out) {
    do out->push_back(term());
    while (take(","));
  }

  Term term() {
    Term t;
    if (take("_")) return t;
    if (take("?")) {
      t.kind = Term::Kind::kAny;
      return t;
    }
    if (take("=")) return size();
    if (take("{")) return list();
    t.kind = Term::Kind::kDims;
    t.accumulates = take("^");
    t.may_lack_leading = take("~");
    dims(&t);
    return t;
  }

  Term list() {
    Term t{.kind = Term::Kind::kList};
    do t.items.push_back(term());
    while (take(";"));
    if (!take("}")) fail("\"}\" is missing");
    return t;
  }

  Term size() {
    Term t{.kind = Term::Kind::kSize};
    if (!take("[")) {
      t.dims.push_back(dim());
      return t;
    }
    t.kind = Term::Kind::kSizes;
    while (error_.empty() && !take("]")) t.dims.push_back(take("_") ? skipped() : dim());
    return t;
  }
  static Dim skipped() { return {.kind = Dim::Kind::kSkipped}; }

  bool at_end_of_term() {
    spaces();
    return text_.empty() || text_.starts_with("->") || text_[0] == ',' || text_[0] == ';' ||
           text_[0] == '}';
  }

  void dims(Term* t) {
    if (text_.starts_with(' ')) spaces();
    if (text_.starts_with('.') && !text_.starts_with("...")) {
      take(".");
      return;
    }
    if (at_end_of_term()) return fail("a term is empty");
    int many = 0;
    while (error_.empty() && !at_end_of_term()) {
      t->dims.push_back(dim());
      many += t->dims.back().kind == Dim::Kind::kMany;
    }
    if (many > 1) fail("a term has two \"...\"");
  }

  Dim dim() {
    Dim d;
    if (take("(")) {
      while (error_.empty() && !take(")")) d.letters.push_back(letter(&d));
      if (d.letters.empty()) fail("a group is empty");
      if (d.kind == Dim::Kind::kMany) fail("\"...\" in a group");
      return d;
    }
    if (take("1")) return {.kind = Dim::Kind::kOne};
    d.letters.push_back(letter(&d));
    return d;
  }

  uint16_t letter(Dim* d) {
    spaces();
    size_t n = 0;
    if (!text_.empty() && is_letter(text_[0])) ++n;
    while (n > 0 && n < text_.size() && (is_letter(text_[n]) || is_digit(text_[n]))) ++n;
    const std::string name(text_.substr(0, n));
    text_.remove_prefix(n);
    const bool many = text_.starts_with("...");
    if (many) text_.remove_prefix(3);
    if (n == 0 && !many) {
      fail("a letter is missing at \"" + std::string(text_) + "\"");
      return 0;
    }
    if (many) d->kind = Dim::Kind::kMany;
    const uint16_t index = index_of(name, many);
    if (text_.starts_with(':')) told_size(index);
    if (!text_.empty()) mark(index);
    return index;
  }

  uint16_t index_of(const std::string& name, bool many) {
    for (size_t i = 0; i < out_.letters.size(); ++i) {
      if (out_.letters[i].name != name) continue;
      if (out_.letters[i].many != many) fail("\"" + name + "\" is one dimension and many");
      return static_cast<uint16_t>(i);
    }
    out_.letters.push_back({.name = name, .many = many});
    return static_cast<uint16_t>(out_.letters.size() - 1);
  }

  void told_size(uint16_t index) {
    text_.remove_prefix(1);
    int64_t size = 0;
    for (; !text_.empty() && is_digit(text_[0]) && size < (1ll << 40); text_.remove_prefix(1)) {
      size = size * 10 + (text_[0] - '0');
    }
    Letter& l = out_.letters[index];
    if (size == 0 || (l.size != 0 && l.size != size)) {
      return fail("\"" + l.name + "\" is told no size, or two");
    }
    l.size = size;
  }

  void mark(uint16_t index) {
    const Mark* m = mark_of(text_[0]);
    if (!m) return;
    text_.remove_prefix(1);
    Letter& l = out_.letters[index];
    const bool other = l.kind != m->kind || l.reduction != m->reduction;
    if (other && l.kind != FactorKind::kParallel) {
      return fail("\"" + l.name + "\" has two marks");
    }
    l.kind = m->kind;
    l.reduction = m->reduction;
  }

  std::string_view text_;
  std::string error_;
  Notation out_;
};

}  // namespace

std::optional<Notation> parse_notation(std::string_view text, std::string* error) {
  Parser parser(text);
  Notation made = parser.row();
  *error = parser.error();
  if (!error->empty()) return std::nullopt;
  return made;
}

std::optional<std::vector<LinearGroup>> parse_linear(std::string_view text) {
  std::vector<LinearGroup> groups;
  if (text.empty()) return groups;
  groups.emplace_back();
  bool at_start = true;
  for (const char c : text) {
    LinearGroup& group = groups.back();
    const Mark* mark = mark_of(c);
    if (is_digit(c)) {
      group.args.push_back(static_cast<uint16_t>(c - '0'));
    } else if (c == '/' && !group.args.empty()) {
      groups.emplace_back();
    } else if (at_start && c == '=') {
      group.every_reduction = true;
    } else if (at_start && mark && mark->kind == FactorKind::kReduced) {
      group.reduction = mark->reduction;
    } else if (c != ' ') {
      return std::nullopt;
    }
    at_start = c == '/';
  }
  if (groups.back().args.empty()) return std::nullopt;
  return groups;
}

}  // namespace moai::ops::sharding
