#include "moai/cluster/cluster_file.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace moai::cluster {
namespace {

constexpr std::string_view kFile = R"(# two dies a module
name = "small"
nodes = 4

[device]
name = "D"
memory_gib = 2
memory_gb_per_s = 1000
overlaps_exchanges = true
[device.peak_tflops]
fp64 = 1
fp32 = 2
tf32 = 4
fp16 = 8
bf16 = 8

[device.fitted]
gemm_efficiency = 0.5
gemm_ramp = 64
elementwise_traffic = 1.5
attention_efficiency = 0.25
launch_us = 7
overlap_slowdown = 1.125

[[device.gemm]]
dtype = "bf16"
m = 128
n = 256
k = 512
us = 10

[package]
devices = 2
latency_us = 1
gb_per_s = 200

[node]
devices = 8
latency_us = 4
gb_per_s = 100
half_peak_kib = 16

[network]
latency_us = 5
gb_per_s = 25
node_gb_per_s = 50

[[collective]]
kind = "all_reduce"
ranks_per_node = 2
nodes = 1
latency_us = 10
gb_per_s = 324
)";

Result<Cluster> changed(std::string_view before, std::string_view after) {
  std::string text(kFile);
  const size_t at = text.find(before);
  EXPECT_NE(at, std::string::npos) << before;
  return cluster_from_toml(text.replace(at, before.size(), after), "c.toml");
}

std::string error_of(std::string_view before, std::string_view after) {
  const auto cluster = changed(before, after);
  return cluster.ok() ? "" : cluster.status().message();
}

TEST(ClusterFile, ReadsEveryKeyInSiUnits) {
  const auto c = cluster_from_toml(kFile, "c.toml");
  ASSERT_TRUE(c.ok()) << c.status().to_string();
  EXPECT_EQ(c->devices(), 32);
  EXPECT_EQ(c->device.memory_bytes, int64_t{2} << 30);
  EXPECT_EQ(c->device.memory_bytes_per_s, 1e12);
  EXPECT_TRUE(c->device.overlaps_exchanges);
  EXPECT_EQ(c->device.peak.bf16, 8e12);
  EXPECT_EQ(c->device.fitted.elementwise_traffic, 1.5);
  EXPECT_DOUBLE_EQ(c->device.fitted.launch_s, 7e-6);
  ASSERT_EQ(c->device.gemm_times.size(), 1u);
  EXPECT_EQ(c->device.gemm_times[0].dtype, tensor::DType::kBFloat16);
  EXPECT_EQ(c->device.gemm_times[0].batch, 1);
  EXPECT_DOUBLE_EQ(c->device.gemm_times[0].seconds, 1e-5);
  EXPECT_EQ(c->package->link.bytes_per_s, 200e9);
  EXPECT_EQ(c->node_link.half_peak_bytes, 16 * 1024);
  EXPECT_EQ(c->network->node_bytes_per_s, 50e9);
  ASSERT_EQ(c->measured.size(), 1u);
  EXPECT_EQ(c->measured[0].kind, Collective::kAllReduce);
  EXPECT_DOUBLE_EQ(*c->measured[0].latency_s, 1e-5);
}

TEST(ClusterFile, WritesWhatReadsAsTheSame) {
  const auto c = cluster_from_toml(kFile, "c.toml");
  const std::string text = to_toml(*c);
  const auto again = cluster_from_toml(text, "again.toml");
  ASSERT_TRUE(again.ok()) << again.status().to_string();
  EXPECT_EQ(*again, *c);
  EXPECT_EQ(to_toml(*again), text);
}

TEST(ClusterFile, ADeviceOfMeasuredConstantsIsWrittenToo) {
  Cluster c;
  c.name = "this \"machine\"\n";
  c.device = {.name = "cpu", .memory_bytes = 1234567890, .memory_bytes_per_s = 1.25e10 / 3};
  c.device.peak = {.fp64 = 1e11, .fp32 = 2e11, .tf32 = 2e11, .fp16 = 1e10, .bf16 = 1e10};
  c.device.cache_bytes = 1 << 20;
  c.device.shared_cache_bytes = 1 << 24;
  c.device.operators = {{.name = "aten::neg",
                         .call_s = 1e-6,
                         .cold_call_s = 2e-6,
                         .cold_byte_s = 1e-11,
                         .far_byte_s = 2e-11,
                         .rows = {{{.tensors = 2, .bytes_read = 8}, 3e-6}}}};
  c.node_link = {.latency_s = 1e-6 / 3, .bytes_per_s = 5e9};
  c.devices_per_node = 2;
  c.measured = {{.shape = {.ranks_per_node = 2}, .points = {{256, 1e-5}}, .far_byte_s = 3e-11}};
  const auto first = cluster_from_toml(to_toml(c), "c.toml");
  ASSERT_TRUE(first.ok()) << first.status().to_string();
  EXPECT_DOUBLE_EQ(first->measured[0].far_byte_s, 3e-11);
  EXPECT_EQ(first->name, c.name);
  EXPECT_NEAR(first->node_link.latency_s, c.node_link.latency_s, 1e-17);
  EXPECT_EQ(first->device.cache_bytes, 1 << 20);
  EXPECT_EQ(first->device.shared_cache_bytes, 1 << 24);
  EXPECT_DOUBLE_EQ(first->device.operators[0].cold_call_s, 2e-6);
  EXPECT_DOUBLE_EQ(first->device.operators[0].cold_byte_s, 1e-11);
  EXPECT_DOUBLE_EQ(first->device.operators[0].far_byte_s, 2e-11);
  EXPECT_EQ(to_toml(*first), to_toml(c));
}

TEST(ClusterFile, EveryShippedFileReadsAndComesBack) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(MOAI_CLUSTERS)) {
    if (entry.path().extension() != ".toml") continue;
    ++files;
    const auto c = read_cluster(entry.path());
    ASSERT_TRUE(c.ok()) << c.status().to_string();
    EXPECT_EQ(c->name, entry.path().stem());
    EXPECT_EQ(c->devices_per_node, 8);
    const auto again = cluster_from_toml(to_toml(*c), "again.toml");
    ASSERT_TRUE(again.ok()) << again.status().to_string();
    EXPECT_EQ(*again, *c);
  }
  EXPECT_EQ(files, 6);
}

TEST(ClusterFile, WrongValuesAreRefusedWhereTheyStand) {
  EXPECT_EQ(error_of("memory_gib", "memory_gb"),
            "[cluster.file] c.toml:5: 'memory_gib' is missing; it is a number");
  EXPECT_EQ(error_of("half_peak_kib", "half_peak_bytes"),
            "[cluster.file] c.toml:41: no key 'half_peak_bytes' here; the nearest is "
            "'half_peak_kib'");
  EXPECT_EQ(error_of("gemm_efficiency = 0.5", "gemm_efficiency = 50"),
            "[cluster.file] c.toml:18: 'gemm_efficiency' is 50; it goes from 0.01 to 1");
  EXPECT_EQ(error_of("\"bf16\"", "\"bfloat16\""),
            "[cluster.file] c.toml:25: no element type 'bfloat16'; for example bf16, f32");
  EXPECT_EQ(error_of("\"all_reduce\"", "\"allreduce\""),
            "[cluster.file] c.toml:49: 'kind' has no 'allreduce'; the nearest is 'all_reduce'");
  EXPECT_EQ(error_of("nodes = 4", "nodes = 0"),
            "[cluster.file] c.toml:3: 'nodes' is 0; it goes from 1 to 1048576");
  EXPECT_EQ(error_of("[package]\ndevices = 2", "[package]\ndevices = 3"),
            "[cluster.file] c.toml:32: packages of 3 devices do not make a node of 8");
}

TEST(ClusterFile, WhatMakesNoSenseIsRefused) {
  EXPECT_NE(error_of("ranks_per_node = 2", "ranks_per_node = 1").find("one rank"),
            std::string::npos);
  EXPECT_NE(error_of("ranks_per_node = 2", "ranks_per_node = 9").find("goes from 1 to 8"),
            std::string::npos);
  EXPECT_NE(error_of("latency_us = 10\ngb_per_s = 324\n", "").find("give latency_us"),
            std::string::npos);
  EXPECT_NE(error_of("[network]", "[internet]").find("'network' is missing"), std::string::npos);
  EXPECT_NE(cluster_from_toml("", "c.toml").status().message().find("'name' is missing"),
            std::string::npos);
  EXPECT_NE(cluster_from_toml("device = 3", "c.toml").status().message(), "");
}

TEST(ClusterFile, CutOrMangledFilesNeverReadAsAWholeOne) {
  const size_t last_table = kFile.find("[network]");
  for (size_t length = 0; length < last_table; ++length) {
    EXPECT_FALSE(cluster_from_toml(kFile.substr(0, length), "c.toml").ok()) << length;
  }
  for (size_t at = 0; at < kFile.size(); ++at) {
    for (const char byte : {'\0', '\xff', '[', '=', '9'}) {
      std::string text(kFile);
      text[at] = byte;
      const auto c = cluster_from_toml(text, "c.toml");
      if (c.ok()) {
        EXPECT_TRUE(cluster_from_toml(to_toml(*c), "c.toml").ok()) << at << ": " << byte;
      } else {
        EXPECT_TRUE(c.status().message().starts_with("[cluster.file] c.toml:"));
      }
    }
  }
}

TEST(ClusterFile, OneNodeNeedsNoNetwork) {
  std::string text(kFile);
  text.replace(text.find("nodes = 4"), 9, "nodes = 1");
  const size_t network = text.find("[network]");
  text.erase(network, text.find("[[collective]]") - network);
  const auto c = cluster_from_toml(text, "c.toml");
  ASSERT_TRUE(c.ok()) << c.status().to_string();
  EXPECT_FALSE(c->network.has_value());
}

TEST(ClusterSpec, IsAFileAndHowManyDevices) {
  EXPECT_EQ(*cluster_spec_from_string("clusters/a.toml:64"),
            (ClusterSpec{.file = "clusters/a.toml", .devices = 64}));
  EXPECT_EQ(cluster_spec_from_string("a:b:8")->file, "a:b");
  for (const char* bad : {"", "a.toml", ":8", "a.toml:", "a.toml:0", "a.toml:-1", "a.toml:8x",
                          "a.toml: 8", "a.toml:99999999999"}) {
    EXPECT_EQ(cluster_spec_from_string(bad).status().message(),
              "[cluster.spec] '" + std::string(bad) +
                  "' is not FILE:N; for example clusters/h100-dgx.toml:64");
  }
}

TEST(ClusterSpec, LoadsThatManyDevices) {
  const std::string file = std::string(MOAI_CLUSTERS) + "/h100-dgx.toml";
  EXPECT_EQ(load_cluster({.file = file, .devices = 4096})->nodes, 512);
  EXPECT_EQ(load_cluster({.file = file, .devices = 4})->devices_per_node, 4);
  EXPECT_EQ(load_cluster({.file = file, .devices = 20}).status().message(),
            "[cluster.size] 20 devices are no whole nodes of 8; ask for 16 or 24");
  EXPECT_EQ(load_cluster({.file = "absent.toml", .devices = 1}).status().code(), Code::kNotFound);
}

}  // namespace
}  // namespace moai::cluster
