// Mutants: programs with one mistake of a kind, made at random.
#pragma once

#include <optional>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include "moai/compiler/conformance/mutants/edited_ranks.h"

namespace moai::compiler {

// What a mutant is made of.
struct Original {
  const Analysed* window = nullptr;
  const LaidOut* laid = nullptr;
  graph::SignatureTable* signatures = nullptr;
};

struct Mutant {
  LaidOut laid{};
  std::string what{};  // was changed
};

using Random = std::mt19937;
// Nothing where the program has no place for the mistake.
using MakeMutant = std::optional<Mutant> (*)(const Original&, Random*);

struct MutantClass {
  std::string_view name{};
  MakeMutant make = nullptr;
};

std::span<const MutantClass> collective_mutants();
std::span<const MutantClass> call_mutants();
std::span<const MutantClass> dataflow_mutants();
std::span<const MutantClass> program_mutants();
std::vector<MutantClass> all_mutant_classes();
// Of plans with pipeline stages.
std::span<const MutantClass> stage_mutants();
// Of plans whose exchanges go on beside calls.
std::span<const MutantClass> started_mutants();

// ---- for those who make them

// Changes the windows of ranks: `edit` says what it did.
template <class Edit>
std::optional<Mutant> edited(const Original& o, const Edit& edit) {
  EditedRanks ranks(o.laid->ranks, *o.signatures);
  std::optional<std::string> what = edit(&ranks);
  if (!what) return std::nullopt;
  return Mutant{{o.laid->program, ranks.windows(o.signatures)}, std::move(*what)};
}

// Any of [0, n) for which `is_meant` holds.
template <class IsMeant>
std::optional<size_t> any_of(size_t n, Random* random, const IsMeant& is_meant) {
  std::vector<size_t> found;
  for (size_t i = 0; i < n; ++i) {
    if (is_meant(i)) found.push_back(i);
  }
  if (found.empty()) return std::nullopt;
  return found[(*random)() % found.size()];
}

inline bool chance(Random* random, int percent) {
  return static_cast<int>((*random)() % 100) < percent;
}

}  // namespace moai::compiler
