#include "moai/compiler/cost/profile/anchor_rows.h"

#include <utility>

#include "moai/cluster/table_reader.h"

namespace moai::compiler::cost {
namespace {

using cluster::Range;
using cluster::TableReader;

constexpr double kMilli = 1e-3;
constexpr double kTera = 1e12;

TrainingRun read_run(TableReader* reader) {
  constexpr Range kSize{1, 1 << 30};
  TrainingRun run;
  run.hidden = reader->integer("hidden", kSize);
  run.heads = reader->integer("heads", kSize);
  run.layers = reader->integer("layers", kSize);
  run.sequence = reader->integer("sequence", kSize);
  run.vocabulary = reader->integer("vocabulary", kSize);
  run.batch = reader->integer("batch", kSize);
  run.micro_batch = reader->integer("micro_batch", kSize);
  run.tensor = reader->integer_or("tensor", 1, kSize);
  run.pipeline = reader->integer_or("pipeline", 1, kSize);
  run.data = reader->integer_or("data", 1, kSize);
  run.virtual_stages = reader->integer_or("virtual_stages", 1, kSize);
  run.sequence_parallel = reader->flag_or("sequence_parallel", false);
  run.recompute =
      static_cast<Recompute>(reader->choice("recompute", {"none", "selective", "full"}));
  return run;
}

// One table may hold several measurements of a run.
void read_row(TableReader reader, std::vector<AnchorRow>* rows) {
  constexpr std::pair<const char*, Measure> kMeasures[] = {
      {"step_s", Measure::kStepSeconds},
      {"tflops_per_device", Measure::kTflopsPerDevice},
      {"tokens_per_s_per_device", Measure::kTokensPerSecondPerDevice},
      {"layer_forward_ms", Measure::kLayerForwardMs},
      {"layer_backward_ms", Measure::kLayerBackwardMs},
  };
  AnchorRow row;
  row.profile = reader.text("profile");
  row.name = reader.text("name");
  row.source = reader.text("source");
  if (reader.has("assumed")) row.assumed = reader.text("assumed");
  row.fitted = reader.flag_or("fit", false);
  row.run = read_run(&reader);
  const size_t before = rows->size();
  for (const auto& [key, measure] : kMeasures) {
    row.value = reader.number_or(key, 0, {1e-6, 1e9});
    row.measure = measure;
    if (reader.has(key)) rows->push_back(row);
  }
  if (rows->size() == before) reader.add_error("nothing was measured; give for example step_s");
  reader.finish();
}

}  // namespace

Result<std::vector<AnchorRow>> anchor_rows_from_toml(std::string_view text,
                                                     const std::string& path) {
  MOAI_ASSIGN_OR_RETURN(const cluster::TomlValue value, cluster::toml_from_string(text, path));
  cluster::FileErrors errors(path);
  TableReader root(value, &errors);
  std::vector<AnchorRow> rows;
  for (TableReader& row : root.tables("row")) read_row(row, &rows);
  root.finish();
  MOAI_RETURN_IF_ERROR(errors.first());
  return rows;
}

double measured_seconds(const AnchorRow& row) {
  switch (row.measure) {
    case Measure::kStepSeconds:
      return row.value;
    case Measure::kTflopsPerDevice:
      return hardware_flops(row.run) / (row.run.devices() * row.value * kTera);
    case Measure::kTokensPerSecondPerDevice:
      return row.run.tokens() / (row.run.devices() * row.value);
    case Measure::kLayerForwardMs:
    case Measure::kLayerBackwardMs:
      return row.value * kMilli;
  }
  return 0;
}

double predicted_seconds(const AnchorRow& row, const StepParts& parts) {
  if (row.measure == Measure::kLayerForwardMs) return parts.layer_forward;
  if (row.measure == Measure::kLayerBackwardMs) return parts.layer_backward;
  return parts.step;
}

}  // namespace moai::compiler::cost
