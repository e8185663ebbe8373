#include "moai/compiler/cost/profile/software_profile.h"

#include "moai/base/file.h"
#include "moai/cluster/table_reader.h"

namespace moai::compiler::cost {

Result<SoftwareProfile> profile_from_toml(std::string_view text, const std::string& path) {
  MOAI_ASSIGN_OR_RETURN(const cluster::TomlValue value, cluster::toml_from_string(text, path));
  cluster::FileErrors errors(path);
  cluster::TableReader root(value, &errors);
  SoftwareProfile p;
  p.name = root.text("name");
  p.cluster = root.text("cluster");
  p.attention = static_cast<AttentionKernel>(root.choice("attention", {"unfused", "fused"}));
  p.tensor_overlap = static_cast<TensorOverlap>(
      root.choice("tensor_overlap", {"none", "weight_gradients", "chunks"}));
  p.data_parallel = static_cast<DataParallel>(
      root.choice("data_parallel", {"all_reduce", "distributed_optimizer", "fully_sharded"}));
  p.data_overlap = root.flag_or("data_overlap", false);
  p.gradient_bytes = root.number("gradient_bytes", {1, 8});
  p.optimizer_bytes = root.number("optimizer_bytes", {0, 1000});
  p.logit_bytes = root.number("logit_bytes", {0, 1000});
  cluster::TableReader fitted = root.table("fitted");
  p.gemm_efficiency = fitted.number("gemm_efficiency", {0.01, 1});
  p.traffic = fitted.number("traffic", {0.1, 100});
  fitted.finish();
  root.finish();
  MOAI_RETURN_IF_ERROR(errors.first());
  return p;
}

Result<SoftwareProfile> read_profile(const std::string& path) {
  MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  return profile_from_toml(text, path);
}

}  // namespace moai::compiler::cost
