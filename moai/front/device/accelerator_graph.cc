#include "moai/front/device/accelerator_graph.h"

#include <ATen/core/GraphImplInterface.h>

#include <fstream>

#include "moai/front/device/captured_graph.h"
#include "moai/front/device/device_type.h"

namespace moai::front {
namespace {

struct AcceleratorGraph final : at::GraphImplInterface {
  explicit AcceleratorGraph(const at::GraphImplArgs&) {}

  // One mode and one pool serve all: whatever is recorded in the meantime belongs to the graph.
  void capture_begin(c10::MempoolId_t pool, at::GraphCaptureMode) override {
    pool_ = pool;
    graph_.capture_begin();
  }
  void capture_end() override { graph_.capture_end(); }
  void instantiate() override {}
  void replay() override { graph_.replay(); }
  void reset() override { graph_.reset(); }
  c10::MempoolId_t pool() const override { return pool_; }
  void enable_debug_mode() override {}
  void debug_dump(const std::string& path) override {
    std::ofstream file(path);
    file << graph_.text();
    TORCH_CHECK(file.flush(), "cannot write the graph to ", path);
  }

 private:
  CapturedGraph graph_;
  c10::MempoolId_t pool_{0, 0};
};

}  // namespace

void register_accelerator_graph() {
  static const c10::Registerer<std::string, std::unique_ptr<at::GraphImplInterface>,
                               at::GraphImplArgs>
      registration(c10::DeviceTypeName(device_type(), false), at::GraphImplRegistry(),
                   [](at::GraphImplArgs args) -> std::unique_ptr<at::GraphImplInterface> {
                     return std::make_unique<AcceleratorGraph>(args);
                   });
}

}  // namespace moai::front
