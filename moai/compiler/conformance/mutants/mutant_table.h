// MutantTable: how many mutants of each class change a result, and how many the verifier lets pass.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "moai/compiler/conformance/mutants/mutant.h"
#include "moai/compiler/conformance/plans.h"

namespace moai::compiler {

struct MutantRow {
  std::string name{};
  int mutants = 0;
  int changed = 0;  // left another result, or did not run to its end
  int caught = 0;   // by the verifier
  int escaped = 0;  // changed and not caught, or nobody knows
  std::vector<std::string> escapes{};
};

class MutantTable {
 public:
  enum class Plans : uint8_t {
    kOneStage,  // data parallel, tensor parallel and random ones on uneven shapes
    kStages,    // pipeline stages, and data parallel in each
    kOverlaps,  // as kOneStage, with exchanges that go on beside calls
  };
  // Recorded windows of these models (all_mutant_models() has those there are), as they are and
  // expanded. `device` outlives it.
  MutantTable(device::Device* device, const std::vector<std::string>& models,
              Plans plans = Plans::kOneStage);

  // That many mutants of a class, fewer where no plan has a place for more.
  MutantRow run(const MutantClass& mutants, int count, unsigned seed);
  // Originals that the verifier refuses: there are none.
  std::vector<std::string> false_alarms() const;
  size_t originals() const { return cases_.size(); }

 private:
  struct Model {
    std::string name{};
    GoldenWindow golden{};
    std::unique_ptr<Reference> reference{};
    std::vector<std::shared_ptr<const Analysed>> expanded{};
  };
  struct Case {
    Model* model = nullptr;
    std::string plan{};
    const Analysed* window = nullptr;
    LaidOut laid{};
  };
  void add_stages(Model* model);
  void add_one_stage(Model* model, bool overlaps);
  void add(Model* model, const std::string& plan, const MakePlan& make);
  static Result<bool> changes(const Case& of, const Mutant& mutant);

  std::vector<std::unique_ptr<Model>> models_;
  std::vector<Case> cases_;
};

// Windows of the golden folder without regions that may be skipped.
std::vector<std::string> all_mutant_models();
MutantRow sum_of(const std::vector<MutantRow>& rows);
// Rows as a table of Markdown, then their sum.
std::string to_markdown(const std::vector<MutantRow>& rows);

}  // namespace moai::compiler
