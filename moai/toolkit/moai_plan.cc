#include <algorithm>
#include <memory>
#include <ostream>

#include "moai/base/file.h"
#include "moai/base/log.h"
#include "moai/base/site_settings.h"
#include "moai/compiler/planner/pins.h"
#include "moai/compiler/search/window_shape.h"
#include "moai/toolkit/moai.h"
#include "moai/toolkit/plan/plan_cluster.h"
#include "moai/toolkit/plan/plan_json.h"
#include "moai/toolkit/plan/plan_page.h"
#include "moai/toolkit/plan/plan_print.h"
#include "moai/toolkit/plan/rehearse.h"

namespace moai::toolkit {
namespace {

struct Flags {
  ClusterChoice cluster;
  std::string fix;
  std::string page;
  Rehearsal rehearsal;
};

std::string joined(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return line;
}

// Of the batch factors each stands for a batch that the script adds up, or for one of the plan's
// micro-batches; a sequence runs through all of them.
void count_samples(PlanReport* report) {
  const compiler::SearchResult& found = report->found;
  for (const int64_t rows : found.batches) {
    report->samples += rows * found.microbatches;
    const int64_t least = report->samples_together;
    report->samples_together = least == 0 ? rows : std::min(least, rows);
  }
  report->tokens = report->samples * found.sequence;
}

std::string overlap_text(const compiler::cost::Overlap& o) {
  if (o == compiler::cost::Overlap{}) return "";
  return ", overlap " + std::to_string(static_cast<int>(o.tensor)) + (o.data ? ", data" : "");
}

// What an earlier call found for the same step and cluster is priced alone; what was found for
// other sizes of the same step is where the search begins.
Result<compiler::SearchResult> search(compiler::SearchProblem problem, bool* cached) {
  const compiler::PlanCache cache(state_directory() + "/plans");
  const graph::Window& w = problem.step->window;
  const auto key = [&](uint64_t form) {
    return compiler::plan_key(form, *problem.cluster, problem.pins,
                              "moai plan" + overlap_text(problem.options.overlap));
  };
  const std::string own = key(graph::window_hash(w, *problem.signatures));
  if (const auto known = cache.find(own)) {
    auto found = compiler::price_plan(problem, *known);
    *cached = found.ok();
    if (found.ok()) return found;
  }
  const compiler::WindowShape shape = compiler::window_shape(w, *problem.signatures);
  const std::string family = key(shape.structure);
  const auto other = cache.nearest(family, shape.elements);
  if (other) problem.known = &*other;
  auto found = compiler::search_plan(problem);
  if (!found.ok()) return found;
  compiler::CachedSearch kept = compiler::to_cached(*found);
  kept.family = family;
  kept.elements = shape.elements;
  const Status status = cache.keep(own, kept);
  if (!status.ok()) log_warning(status.message());
  return found;
}

Result<PlanReport> make_report(const Flags& flags, Context& context) {
  const std::vector<std::string>& words = flags.rehearsal.arguments;
  if (words.empty()) return invalid_argument("give a script: moai plan [OPTIONS] script.py");
  if (words[0].starts_with('-')) return invalid_argument("there is no option " + words[0]);
  MOAI_ASSIGN_OR_RETURN(const compiler::Pins pins, compiler::pins_from_string(flags.fix));
  MOAI_ASSIGN_OR_RETURN(cluster::Cluster cluster, chosen_cluster(flags.cluster, context));
  graph::SignatureTable signatures;
  MOAI_ASSIGN_OR_RETURN(Rehearsed rehearsed,
                        rehearse(flags.rehearsal, &signatures, context.terminal));
  MOAI_ASSIGN_OR_RETURN(const compiler::RecordedStep step,
                        compiler::training_step(rehearsed.recording, signatures));
  MOAI_ASSIGN_OR_RETURN(const compiler::PriceOptions options, price_options(flags.cluster));
  PlanReport report{.script = joined(words),
                    .profile = flags.cluster.profile,
                    .cluster = std::move(cluster),
                    .options = options,
                    .lines = std::move(rehearsed.recording.lines),
                    .capture_s = rehearsed.seconds};
  const compiler::SearchProblem problem{.step = &step,
                                        .cluster = &report.cluster,
                                        .signatures = &signatures,
                                        .pins = pins,
                                        .options = options,
                                        .one_device = true};
  MOAI_ASSIGN_OR_RETURN(report.found, search(problem, &report.cached));
  report.ideal = compiler::ideal_step(step.window, signatures, report.cluster, {});
  count_samples(&report);
  return report;
}

Result<int> plan(const Flags& flags, Context& context, bool json) {
  MOAI_ASSIGN_OR_RETURN(const PlanReport report, make_report(flags, context));
  if (!flags.page.empty()) MOAI_RETURN_IF_ERROR(write_file(flags.page, plan_page(report)));
  if (json) {
    print_json(context.terminal, plan_json(report));
  } else {
    print_plan(context.terminal.out, report);
  }
  return kDone;
}

}  // namespace

void declare_plan(CLI::App& app, Invocation& invocation) {
  auto flags = std::make_shared<Flags>();  // of the options and of the action
  CLI::App* command =
      add_command(app, invocation, "plan",
                  "how a script would train on several devices, without a device or a value");
  auto* cluster = command->add_option("--cluster", flags->cluster.cluster,
                                      "FILE:N, N devices of a description (clusters/)");
  command
      ->add_option("--flavor", flags->cluster.flavor,
                   "a model of this site by name or number; without it the default accelerator's")
      ->excludes(cluster);
  command->add_option("--profile", flags->cluster.profile,
                      "price with the constants of another stack's software (bench/anchors)");
  command->add_option(
      "--fix", flags->fix,
      "what to leave no choice of: dp=N,tp=N,zero=0-3 (others: only what there is)");
  command->add_option("--html", flags->page, "write a page that opens offline");
  command->add_option("--python", flags->rehearsal.python, "the interpreter")
      ->capture_default_str();
  command->add_option("--timeout", flags->rehearsal.seconds_max, "seconds the script may take")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  // From the script on everything is the script's.
  command->prefix_command();
  command->footer(
      "The script and its arguments follow: moai plan [OPTIONS] script.py [ARGUMENTS]\n"
      "Example: moai plan --cluster clusters/a100-80-dgx.toml:8 train.py --batch 64");
  command->callback([&invocation, flags, command] {
    flags->rehearsal.arguments = command->remaining();
    invocation.action = [flags](Context& context, bool json) {
      return plan(*flags, context, json);
    };
  });
}

}  // namespace moai::toolkit
