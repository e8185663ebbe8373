#include "moai/front/device/captured_graph.h"

#include <atomic>
#include <mutex>
#include <unordered_map>

#include "moai/front/device/device_type.h"
#include "moai/front/device/engine.h"
#include "moai/front/device/generator.h"

namespace moai::front {
namespace {

// A storage that captured graphs need.
struct Kept {
  size_t graphs = 0;
  bool ended = false;  // its tensor is gone
};

std::mutex g_mutex;
std::unique_ptr<RecordingDriver> g_recording;             // guarded by g_mutex: while one captures
std::unordered_map<graph::StorageId, Kept> g_kept;        // guarded by g_mutex
std::atomic<bool> g_capturing{false}, g_any_kept{false};  // written under g_mutex

[[noreturn]] void refuse(const char* why) {
  throw c10::AcceleratorError({__func__, __FILE__, __LINE__}, 1,
                              std::string(device_kind().title) + " error: " + why);
}

void keep(const GraphRecord& record) {
  for (const auto& [id, bytes] : record.made) ++g_kept[id].graphs;
  for (const graph::StorageId id : record.used) ++g_kept[id].graphs;
  for (const graph::StorageId id : record.ended) g_kept[id].ended = true;
  g_any_kept = !g_kept.empty();
}

void let_go(graph::StorageId id) {
  const auto it = g_kept.find(id);
  if (--it->second.graphs != 0) return;
  const bool ended = it->second.ended;
  g_kept.erase(it);
  driver::Driver* driver = engine_if_started();
  if (ended && driver) driver->free(id);
}

}  // namespace

bool capturing() { return g_capturing.load(std::memory_order_relaxed); }

bool kept_by_graph(graph::StorageId id) {
  if (!g_any_kept.load(std::memory_order_relaxed)) return false;
  const std::lock_guard lock(g_mutex);
  const auto it = g_kept.find(id);
  if (it == g_kept.end()) return false;
  it->second.ended = true;
  return true;
}

void CapturedGraph::capture_begin() {
  driver::Driver& real = engine();
  const std::lock_guard lock(g_mutex);
  TORCH_CHECK(!record_,
              "This CUDAGraph instance already owns a captured graph. To capture a new graph, "
              "create a new instance.");
  if (g_recording) refuse("operation not permitted when stream is capturing");
  record_ = std::make_unique<GraphRecord>();
  g_recording = std::make_unique<RecordingDriver>(&real, record_.get());
  set_engine(g_recording.get());
  g_capturing = true;
}

void CapturedGraph::capture_end() {
  const std::lock_guard lock(g_mutex);
  if (!g_recording || !record_ || &g_recording->record() != record_.get()) {
    refuse("invalid argument: this graph does not capture");
  }
  driver::Driver& real = g_recording->real();
  set_engine(&real);
  g_capturing = false;
  g_recording.reset();
  // They can be read before the first replay, as on any device: with no values in them.
  for (const auto& [id, bytes] : record_->made) real.alloc(id, bytes);
  keep(*record_);
}

void CapturedGraph::replay() {
  TORCH_CHECK(record_ && !capturing(),
              "Called CUDAGraph::replay without a preceding successful capture.");
  make_room();
  driver::Driver& driver = engine();
  driver.step_end();
  for (const auto& [id, bytes] : record_->made) driver.free(id);
  auto upload = record_->uploads.begin();
  const auto upload_before = [&](size_t node) {
    for (; upload != record_->uploads.end() && upload->before <= node; ++upload) {
      raise_if_error(driver.upload(upload->storage, upload->storage_bytes, upload->offset,
                                   upload->bytes, upload->makes));
    }
  };
  size_t draw = 0;
  const auto& nodes = record_->window.nodes;
  for (size_t i = 0; i < nodes.size(); ++i) {
    upload_before(i);
    replay_node(nodes[i], i, &draw);
  }
  upload_before(nodes.size());
  driver.step_end();
}

void CapturedGraph::replay_node(const graph::Node& node, size_t index, size_t* draw) {
  driver::Driver& driver = engine();
  const auto storages = record_->window.storages_of(node);
  const auto words = record_->window.words_of(node);
  switch (node.kind) {
    case graph::NodeKind::kAlloc:
      return driver.alloc(storages[0], words[0]);
    case graph::NodeKind::kResize:
      return driver.resize(storages[0], words[0]);
    case graph::NodeKind::kFree:
      return driver.free(storages[0]);
    case graph::NodeKind::kCall:
      break;
  }
  std::vector<uint64_t> drawn(words.begin(), words.end());
  for (; *draw < record_->draws.size() && record_->draws[*draw].node == index; ++*draw) {
    const DrawnWords& d = record_->draws[*draw].words;
    const auto next = static_cast<DeviceGenerator*>(d.generator.unsafeGetGeneratorImpl())->draw();
    drawn[d.position] = next.seed;
    drawn[d.position + 1] = next.counter;
  }
  raise_if_error(driver.append(node.signature, storages, drawn, node.line));
}

void CapturedGraph::reset() {
  if (!record_ || in_forked_child()) return;
  const std::lock_guard lock(g_mutex);
  if (g_recording && &g_recording->record() == record_.get()) {
    set_engine(&g_recording->real());
    g_capturing = false;
    g_recording.reset();
  } else {
    for (const auto& [id, bytes] : record_->made) let_go(id);
    for (const graph::StorageId id : record_->used) let_go(id);
    g_any_kept = !g_kept.empty();
  }
  record_.reset();
}

std::string CapturedGraph::text() const {
  return record_ ? graph::print(record_->window, engine().signatures()) : std::string();
}

}  // namespace moai::front
