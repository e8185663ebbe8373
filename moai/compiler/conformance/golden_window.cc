#include "moai/compiler/conformance/golden_window.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>

#include "moai/base/file.h"

namespace moai::compiler {
namespace {

constexpr std::string_view kBelow = "# below ";

template <class T, class Draw>
std::string drawn(int64_t count, const Draw& draw) {
  std::string bytes(static_cast<size_t>(count) * sizeof(T), '\0');
  for (int64_t i = 0; i < count; ++i) {
    const T x = static_cast<T>(draw());
    std::memcpy(bytes.data() + static_cast<size_t>(i) * sizeof(T), &x, sizeof(T));
  }
  return bytes;
}

std::string make_input(const Segment& s, int64_t below, std::mt19937* random) {
  std::uniform_real_distribution<double> real(0.05, 1);
  std::uniform_int_distribution<int64_t> integer(0, below - 1);
  const int64_t count = s.begin + s.count;
  switch (s.dtype) {
    case tensor::DType::kFloat64:
      return drawn<double>(count, [&] { return real(*random); });
    case tensor::DType::kFloat32:
      return drawn<float>(count, [&] { return real(*random); });
    case tensor::DType::kInt64:
      return drawn<int64_t>(count, [&] { return integer(*random); });
    case tensor::DType::kInt32:
      return drawn<int32_t>(count, [&] { return integer(*random); });
    default:
      ADD_FAILURE() << "an input of " << tensor::dtype_name(s.dtype);
      return {};
  }
}

// Storages that are there and that the window overwrites without having read them.
std::map<graph::StorageId, std::string> overwritten(const graph::Window& w, const ValueGraph& g) {
  std::map<graph::StorageId, std::string> found;
  std::set<graph::StorageId> made;
  for (const graph::Node& n : w.nodes) {
    if (n.kind == graph::NodeKind::kAlloc) made.insert(w.storages_of(n)[0]);
  }
  for (const ValueNode& n : g.nodes) {
    for (const Use& u : n.results) {
      if (u.made != kNone) made.insert(g.segments[g.values[u.made].segment].storage);
    }
    for (const Use& u : n.operands) {
      if (u.made == kNone || u.value != kNone) continue;
      const Segment& s = g.segments[g.values[u.made].segment];
      const auto end = static_cast<size_t>(s.begin + s.count) * tensor::dtype_size(s.dtype);
      if (made.contains(s.storage)) continue;
      std::string& bytes = found[s.storage];
      bytes.resize(std::max(bytes.size(), end));
    }
  }
  return found;
}

}  // namespace

void load(const std::string& name, GoldenWindow* golden) {
  const auto text = read_file(std::string(MOAI_GOLDEN_WINDOWS) + "/" + name + ".txt");
  ASSERT_TRUE(text.ok()) << text.status().to_string();
  int64_t below = 2;
  if (const size_t at = text->find(kBelow); at != std::string::npos) {
    below = std::stoll(text->substr(at + kBelow.size()));
  }
  auto recording = graph::parse_recording(*text, &golden->signatures);
  ASSERT_TRUE(recording.ok()) << recording.status().to_string();
  const graph::RecordedWindow& last = recording->windows.back();
  for (const graph::Upload& u : last.uploads) golden->data.push_back(u.storage);
  golden->recorded = std::make_unique<Analysed>(last.window, golden->signatures);
  std::mt19937 random(7);
  const ValueGraph& g = golden->recorded->graph;
  for (const ValueId v : g.inputs) {
    const Segment& s = g.segments[g.values[v].segment];
    std::string bytes = make_input(s, below, &random);
    std::string& all = golden->inputs[s.storage];
    if (all.size() < bytes.size()) all.resize(bytes.size());
    const size_t begin = static_cast<size_t>(s.begin) * tensor::dtype_size(s.dtype);
    all.replace(begin, bytes.size() - begin, bytes.substr(begin));
  }
  golden->inputs.merge(overwritten(golden->recorded->window, g));
}

}  // namespace moai::compiler
