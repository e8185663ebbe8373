#include "moai/cluster/cluster_file.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "moai/base/file.h"
#include "moai/cluster/table_reader.h"

namespace moai::cluster {
namespace {

constexpr double kGiB = 1024.0 * 1024 * 1024;
constexpr double kKiB = 1024;
constexpr double kGiga = 1e9;
constexpr double kTera = 1e12;
constexpr double kMicro = 1e-6;

constexpr Range kLatencyUs{0, 1e6};
constexpr Range kUs{0, 1e9};
constexpr Range kGBPerS{1e-3, 1e6};
constexpr Range kTflops{1e-4, 1e6};
constexpr Range kPart{0.01, 1};
constexpr Range kCount{1, 1 << 20};

PeakFlops read_peak(TableReader reader) {
  PeakFlops peak{.fp64 = reader.number("fp64", kTflops) * kTera,
                 .fp32 = reader.number("fp32", kTflops) * kTera,
                 .tf32 = reader.number("tf32", kTflops) * kTera,
                 .fp16 = reader.number("fp16", kTflops) * kTera,
                 .bf16 = reader.number("bf16", kTflops) * kTera};
  reader.finish();
  return peak;
}

FittedConstants read_fitted(TableReader reader) {
  FittedConstants fitted{.gemm_efficiency = reader.number("gemm_efficiency", kPart),
                         .gemm_ramp = reader.number("gemm_ramp", {0, 1e5}),
                         .elementwise_traffic = reader.number("elementwise_traffic", {0.1, 100}),
                         .attention_efficiency = reader.number("attention_efficiency", kPart),
                         .launch_s = reader.number("launch_us", kLatencyUs) * kMicro,
                         .overlap_slowdown = reader.number("overlap_slowdown", {1, 10})};
  reader.finish();
  return fitted;
}

tensor::DType read_dtype(TableReader* reader) {
  const std::string name = reader->text("dtype");
  if (const auto known = tensor::dtype_from_name(name)) return *known;
  reader->add_error("no element type '" + name + "'; for example bf16, f32");
  return tensor::DType::kFloat32;
}

GemmTime read_gemm_time(TableReader reader) {
  constexpr Range kSide{1, 1 << 30};
  GemmTime time{.dtype = read_dtype(&reader)};
  time.batch = reader.integer_or("batch", 1, kSide);
  time.m = reader.integer("m", kSide);
  time.n = reader.integer("n", kSide);
  time.k = reader.integer("k", kSide);
  time.seconds = reader.number("us", {1e-3, 1e9}) * kMicro;
  reader.finish();
  return time;
}

// Numbers of a row of `calls`: the fields of CallShape, then microseconds.
constexpr size_t kRowNumbers = 11;

OperatorTimes read_operator(TableReader reader) {
  OperatorTimes op{.name = reader.text("name"), .dtype = read_dtype(&reader)};
  op.call_s = reader.number("call_us", kUs) * kMicro;
  op.tensor_s = reader.number("tensor_us", kUs) * kMicro;
  op.byte_s = reader.number("byte_us", kUs) * kMicro;
  op.flop_s = reader.number("flop_us", kUs) * kMicro;
  op.run_s = reader.number("run_us", kUs) * kMicro;
  op.cold_call_s = reader.number_or("cold_call_us", 0, kUs) * kMicro;
  op.cold_byte_s = reader.number_or("cold_byte_us", 0, kUs) * kMicro;
  op.far_byte_s = reader.number_or("far_byte_us", 0, kUs) * kMicro;
  const std::vector<double> x = reader.numbers("calls", {0, 1e18});
  if (x.size() % kRowNumbers != 0) {
    reader.add_error("'calls' has " + std::to_string(x.size()) + " numbers; a call has " +
                     std::to_string(kRowNumbers));
  }
  for (size_t i = 0; i + kRowNumbers <= x.size(); i += kRowNumbers) {
    op.rows.push_back({{x[i], x[i + 1], x[i + 2], x[i + 3], x[i + 4], x[i + 5], x[i + 6], x[i + 7],
                        x[i + 8], x[i + 9]},
                       x[i + 10] * kMicro});
  }
  reader.finish();
  return op;
}

DeviceKind read_device(TableReader reader) {
  DeviceKind device;
  device.name = reader.text("name");
  device.memory_bytes = std::llround(reader.number("memory_gib", {1e-3, 1e5}) * kGiB);
  device.cache_bytes = std::llround(reader.number_or("cache_kib", 0, {0, 1e8}) * kKiB);
  device.shared_cache_bytes =
      std::llround(reader.number_or("shared_cache_kib", 0, {0, 1e8}) * kKiB);
  device.memory_bytes_per_s = reader.number("memory_gb_per_s", kGBPerS) * kGiga;
  device.overlaps_exchanges = reader.flag_or("overlaps_exchanges", false);
  device.peak = read_peak(reader.table("peak_tflops"));
  device.fitted = read_fitted(reader.table("fitted"));
  for (TableReader& row : reader.tables("gemm")) device.gemm_times.push_back(read_gemm_time(row));
  for (TableReader& op : reader.tables("operator")) device.operators.push_back(read_operator(op));
  reader.finish();
  return device;
}

Link read_link(TableReader* reader) {
  return {.latency_s = reader->number("latency_us", kLatencyUs) * kMicro,
          .bytes_per_s = reader->number("gb_per_s", kGBPerS) * kGiga,
          .half_peak_bytes = reader->number_or("half_peak_kib", 0, {0, 1e7}) * kKiB};
}

void read_node(TableReader reader, Cluster* cluster) {
  cluster->devices_per_node = reader.integer("devices", {1, 1024});
  cluster->node_link = read_link(&reader);
  if (reader.has("speeds")) {
    cluster->speeds = reader.numbers("speeds", {0.01, 100});
    if (cluster->speeds.size() != static_cast<size_t>(cluster->devices_per_node)) {
      reader.add_error("'speeds' has " + std::to_string(cluster->speeds.size()) + " numbers for " +
                       std::to_string(cluster->devices_per_node) + " devices");
    }
  }
  reader.finish();
}

Package read_package(TableReader reader, int devices_per_node) {
  Package package{.devices = reader.integer("devices", {2, 1024}), .link = read_link(&reader)};
  if (devices_per_node % package.devices != 0) {
    reader.add_error("packages of " + std::to_string(package.devices) +
                     " devices do not make a node of " + std::to_string(devices_per_node));
  }
  reader.finish();
  return package;
}

Network read_network(TableReader reader) {
  Network network{.link = read_link(&reader),
                  .node_bytes_per_s = reader.number("node_gb_per_s", kGBPerS) * kGiga};
  reader.finish();
  return network;
}

// Bytes and microseconds in turns, the bytes ascending.
std::vector<std::pair<double, double>> read_points(TableReader* reader) {
  std::vector<std::pair<double, double>> points;
  const std::vector<double> x = reader->numbers("points", {0, 1e15});
  if (x.size() % 2 != 0) reader->add_error("'points' are bytes and microseconds in turns");
  for (size_t i = 0; i + 1 < x.size(); i += 2) {
    if (i > 0 && x[i] <= x[i - 2]) reader->add_error("bytes of 'points' must ascend");
    points.emplace_back(x[i], x[i + 1] * kMicro);
  }
  return points;
}

MeasuredCollective read_collective(TableReader reader, const Cluster& cluster) {
  MeasuredCollective row;
  row.kind = static_cast<Collective>(
      reader.choice("kind", {"all_gather", "reduce_scatter", "all_reduce", "all_to_all", "send"}));
  row.shape.ranks_per_node =
      reader.integer("ranks_per_node", {1, static_cast<double>(cluster.devices_per_node)});
  row.shape.nodes = reader.integer("nodes", {1, static_cast<double>(cluster.nodes)});
  row.shape.strided = reader.flag_or("strided", false);
  if (reader.has("latency_us")) row.latency_s = reader.number("latency_us", kLatencyUs) * kMicro;
  if (reader.has("gb_per_s")) row.bytes_per_s = reader.number("gb_per_s", kGBPerS) * kGiga;
  if (reader.has("points")) row.points = read_points(&reader);
  row.far_byte_s = reader.number_or("far_byte_us", 0, kUs) * kMicro;
  if (!row.latency_s && !row.bytes_per_s && row.points.empty()) {
    reader.add_error("give latency_us, gb_per_s or both, or points");
  }
  if (row.shape.ranks() < 2) reader.add_error("a group of one rank has nothing to send");
  reader.finish();
  return row;
}

// TOML's basic strings.
std::string quoted(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += {'\\', 'u', '0', '0', kDigits[byte >> 4], kDigits[byte & 15]};
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string decimal(double value) {
  constexpr int kDigits = 12;  // so that a conversion of units and back leaves no trace
  char digits[32];
  const std::to_chars_result written =
      std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, kDigits);
  return std::string(digits, written.ptr);
}
std::string line(std::string_view key, double value) {
  return std::string(key) + " = " + decimal(value) + "\n";
}

std::string operator_lines(const OperatorTimes& op) {
  std::string out = "\n[[device.operator]]\nname = " + quoted(op.name) +
                    "\ndtype = " + quoted(tensor::dtype_name(op.dtype)) + "\n" +
                    line("call_us", op.call_s / kMicro) + line("tensor_us", op.tensor_s / kMicro) +
                    line("byte_us", op.byte_s / kMicro) + line("flop_us", op.flop_s / kMicro) +
                    line("run_us", op.run_s / kMicro) +
                    line("cold_call_us", op.cold_call_s / kMicro) +
                    line("cold_byte_us", op.cold_byte_s / kMicro) +
                    line("far_byte_us", op.far_byte_s / kMicro) + "calls = [\n";
  for (const OperatorTimes::Row& row : op.rows) {
    const CallShape& c = row.shape;
    out += " ";
    for (const double x : {c.tensors, c.bytes_read, c.bytes_written, c.flops, c.batch, c.m, c.n,
                           c.k, c.runs, c.layout, row.seconds / kMicro}) {
      out += " " + decimal(x) + ",";
    }
    out += "\n";
  }
  return out + "]\n";
}

std::string link_lines(const Link& link) {
  return line("latency_us", link.latency_s / kMicro) + line("gb_per_s", link.bytes_per_s / kGiga) +
         line("half_peak_kib", link.half_peak_bytes / kKiB);
}

std::string device_lines(const DeviceKind& d) {
  std::string out = "\n[device]\nname = " + quoted(d.name) + "\n";
  out += line("memory_gib", static_cast<double>(d.memory_bytes) / kGiB);
  if (d.cache_bytes) out += line("cache_kib", static_cast<double>(d.cache_bytes) / kKiB);
  if (d.shared_cache_bytes) {
    out += line("shared_cache_kib", static_cast<double>(d.shared_cache_bytes) / kKiB);
  }
  out += line("memory_gb_per_s", d.memory_bytes_per_s / kGiga);
  if (d.overlaps_exchanges) out += "overlaps_exchanges = true\n";
  out += "\n[device.peak_tflops]\n" + line("fp64", d.peak.fp64 / kTera) +
         line("fp32", d.peak.fp32 / kTera) + line("tf32", d.peak.tf32 / kTera) +
         line("fp16", d.peak.fp16 / kTera) + line("bf16", d.peak.bf16 / kTera);
  out += "\n[device.fitted]\n" + line("gemm_efficiency", d.fitted.gemm_efficiency) +
         line("gemm_ramp", d.fitted.gemm_ramp) +
         line("elementwise_traffic", d.fitted.elementwise_traffic) +
         line("attention_efficiency", d.fitted.attention_efficiency) +
         line("launch_us", d.fitted.launch_s / kMicro) +
         line("overlap_slowdown", d.fitted.overlap_slowdown);
  for (const GemmTime& t : d.gemm_times) {
    out += "\n[[device.gemm]]\ndtype = " + quoted(tensor::dtype_name(t.dtype)) + "\n";
    out += "batch = " + std::to_string(t.batch) + "\nm = " + std::to_string(t.m) +
           "\nn = " + std::to_string(t.n) + "\nk = " + std::to_string(t.k) + "\n" +
           line("us", t.seconds / kMicro);
  }
  for (const OperatorTimes& op : d.operators) out += operator_lines(op);
  return out;
}

std::string collective_lines(const MeasuredCollective& row) {
  std::string out = "\n[[collective]]\nkind = " + quoted(collective_name(row.kind)) + "\n";
  out += "ranks_per_node = " + std::to_string(row.shape.ranks_per_node) +
         "\nnodes = " + std::to_string(row.shape.nodes) + "\n";
  if (row.shape.strided) out += "strided = true\n";
  if (row.latency_s) out += line("latency_us", *row.latency_s / kMicro);
  if (row.bytes_per_s) out += line("gb_per_s", *row.bytes_per_s / kGiga);
  if (row.far_byte_s > 0) out += line("far_byte_us", row.far_byte_s / kMicro);
  if (row.points.empty()) return out;
  out += "points = [";
  for (const auto& [bytes, seconds] : row.points) {
    out += decimal(bytes) + ", " + decimal(seconds / kMicro) + ", ";
  }
  out += "]\n";
  return out;
}

}  // namespace

Result<Cluster> cluster_from_toml(std::string_view text, const std::string& path) {
  MOAI_ASSIGN_OR_RETURN(const TomlValue value, toml_from_string(text, path));
  FileErrors errors(path);
  TableReader root(value, &errors);
  Cluster cluster;
  cluster.name = root.text("name");
  cluster.nodes = root.integer("nodes", kCount);
  cluster.device = read_device(root.table("device"));
  read_node(root.table("node"), &cluster);
  if (root.has("package")) {
    cluster.package = read_package(root.table("package"), cluster.devices_per_node);
  }
  if (root.has("network") || cluster.nodes > 1)
    cluster.network = read_network(root.table("network"));
  for (TableReader& row : root.tables("collective")) {
    cluster.measured.push_back(read_collective(row, cluster));
  }
  root.finish();
  MOAI_RETURN_IF_ERROR(errors.first());
  return cluster;
}

Result<Cluster> read_cluster(const std::string& path) {
  MOAI_ASSIGN_OR_RETURN(const std::string text, read_file(path));
  return cluster_from_toml(text, path);
}

std::string to_toml(const Cluster& c) {
  std::string out = "name = " + quoted(c.name) + "\nnodes = " + std::to_string(c.nodes) + "\n";
  out += device_lines(c.device);
  if (c.package) {
    out += "\n[package]\ndevices = " + std::to_string(c.package->devices) + "\n" +
           link_lines(c.package->link);
  }
  out +=
      "\n[node]\ndevices = " + std::to_string(c.devices_per_node) + "\n" + link_lines(c.node_link);
  if (!c.speeds.empty()) {
    out += "speeds = [";
    for (const double speed : c.speeds) out += decimal(speed) + ", ";
    out += "]\n";
  }
  if (c.network) {
    out += "\n[network]\n" + link_lines(c.network->link) +
           line("node_gb_per_s", c.network->node_bytes_per_s / kGiga);
  }
  for (const MeasuredCollective& row : c.measured) out += collective_lines(row);
  return out;
}

Result<ClusterSpec> cluster_spec_from_string(std::string_view text) {
  const auto refused = [&] {
    return invalid_argument("[cluster.spec] '" + std::string(text) +
                            "' is not FILE:N; for example clusters/h100-dgx.toml:64");
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return refused();
  const std::string_view digits = text.substr(colon + 1);
  int devices = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), devices);
  if (error != std::errc() || end != digits.data() + digits.size() || devices < 1) return refused();
  return ClusterSpec{.file = std::string(text.substr(0, colon)), .devices = devices};
}

Result<Cluster> load_cluster(const ClusterSpec& spec) {
  MOAI_ASSIGN_OR_RETURN(Cluster cluster, read_cluster(spec.file));
  return with_devices(std::move(cluster), spec.devices);
}

}  // namespace moai::cluster
