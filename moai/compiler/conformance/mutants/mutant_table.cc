#include "moai/compiler/conformance/mutants/mutant_table.h"

#include "moai/compiler/conformance/mutants/in_child.h"
#include "moai/compiler/verify/verify.h"

namespace moai::compiler {
namespace {

constexpr double kErrorMax = 1e-10;
constexpr int kTriesEach = 60;  // for a place where a mistake fits
constexpr std::chrono::seconds kDeadline{60};

}  // namespace

MutantTable::MutantTable(device::Device* device, const std::vector<std::string>& models,
                         Plans plans) {
  for (const std::string& name : models) {
    Model& m = *models_.emplace_back(std::make_unique<Model>());
    m.name = name;
    load(name, &m.golden);
    m.reference = std::make_unique<Reference>(device, &m.golden);
    if (plans == Plans::kStages) {
      add_stages(&m);
      continue;
    }
    add_one_stage(&m, plans == Plans::kOverlaps);
  }
}

void MutantTable::add_one_stage(Model* model, bool overlaps) {
  const GoldenWindow& golden = model->golden;
  const auto add = [&](const std::string& plan, const MakePlan& make) {
    this->add(model, plan, [&](const Analysed& w) {
      LayoutPlan made = make(w);
      made.overlaps = overlaps;
      return made;
    });
  };
  for (const int ranks : {2, 3, 4}) {
    const std::string n = std::to_string(ranks);
    add("dp " + n, [&](const Analysed& w) { return data_parallel(golden, w, ranks); });
    add("tp " + n, [&](const Analysed& w) { return tensor_parallel(golden, w, ranks); });
    add("cp " + n, [&](const Analysed& w) { return split_context(golden, w, ranks); });
  }
  for (const unsigned seed : {1U, 2U, 4U, 5U, 8U, 11U}) {
    add("random " + std::to_string(seed),
        [&](const Analysed& w) { return random_plan(golden, w, seed); });
  }
}

void MutantTable::add_stages(Model* model) {
  for (const auto& [stages, dp] : {std::pair(2, 1), {3, 1}, {4, 1}, {2, 2}, {3, 2}}) {
    const auto make = [&](const Analysed& w) { return staged(model->golden, w, stages, dp); };
    add(model, "pp " + std::to_string(stages) + ", dp " + std::to_string(dp), make);
  }
}

void MutantTable::add(Model* model, const std::string& plan, const MakePlan& make) {
  const auto lay_out = [&](const Analysed& w, const std::string& name) {
    cases_.push_back({model, name, &w, model->reference->lay_out(w, make(w))});
  };
  lay_out(*model->golden.recorded, plan);
  lay_out(*model->expanded.emplace_back(expanded(&model->golden, make)), plan + ", expanded");
}

// Torch's kernels of backward passes trust shapes: a wrong slice may lead one out of a storage.
Result<bool> MutantTable::changes(const Case& of, const Mutant& mutant) {
  const auto differs = [&] {
    const auto run = of.model->reference->run(*of.window, mutant.laid);
    return !run.ok() || !(run->error_max <= kErrorMax);
  };
  MOAI_ASSIGN_OR_RETURN(const auto answer, answer_in_child(differs, kDeadline));
  return answer.value_or(true);
}

MutantRow MutantTable::run(const MutantClass& mutants, int count, unsigned seed) {
  MutantRow row{.name = std::string(mutants.name)};
  Random random(seed);
  for (int tries = 0; row.mutants < count && tries < count * kTriesEach; ++tries) {
    // Models take turns, so that small ones count as much.
    Model* model = models_[random() % models_.size()].get();
    const auto i =
        any_of(cases_.size(), &random, [&](size_t k) { return cases_[k].model == model; });
    const Case& of = cases_[*i];
    const auto mutant = mutants.make({of.window, &of.laid, &model->golden.signatures}, &random);
    if (!mutant) continue;
    ++row.mutants;
    const bool caught =
        !verify(mutant->laid.lowering(*of.window), mutant->laid.ranks, model->golden.signatures)
             .ok();
    const Result<bool> changed = changes(of, *mutant);
    row.caught += caught;
    row.changed += changed.ok() && *changed;
    if (changed.ok() && (!*changed || caught)) continue;
    ++row.escaped;
    row.escapes.push_back(row.name + ": " + model->name + ", " + of.plan + ": " + mutant->what +
                          (changed.ok() ? "" : ": " + changed.status().message()));
  }
  return row;
}

std::vector<std::string> MutantTable::false_alarms() const {
  std::vector<std::string> found;
  for (const Case& c : cases_) {
    const Status status =
        verify(c.laid.lowering(*c.window), c.laid.ranks, c.model->golden.signatures);
    if (!status.ok()) found.push_back(c.model->name + ", " + c.plan + ": " + status.message());
  }
  return found;
}

std::vector<std::string> all_mutant_models() {
  return {"mlp", "cnn", "gpt", "llama", "bert", "experts", "lstm", "fused", "dropout", "noisy"};
}

MutantRow sum_of(const std::vector<MutantRow>& rows) {
  MutantRow all{.name = "all"};
  for (const MutantRow& r : rows) {
    all.mutants += r.mutants;
    all.changed += r.changed;
    all.caught += r.caught;
    all.escaped += r.escaped;
    all.escapes.insert(all.escapes.end(), r.escapes.begin(), r.escapes.end());
  }
  return all;
}

std::string to_markdown(const std::vector<MutantRow>& rows) {
  std::string out =
      "| mistake | mutants | changed a result | caught | escaped |\n|---|---|---|---|---|\n";
  const auto line = [&](const MutantRow& r) {
    out += "| " + r.name;
    for (const int n : {r.mutants, r.changed, r.caught, r.escaped}) {
      out += " | " + std::to_string(n);
    }
    out += " |\n";
  };
  for (const MutantRow& r : rows) line(r);
  line(sum_of(rows));
  return out;
}

}  // namespace moai::compiler
