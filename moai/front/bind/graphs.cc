#include "moai/front/bind/graphs.h"

#include "moai/front/device/captured_graph.h"
#include "moai/front/device/skipping.h"

namespace py = pybind11;

namespace moai::front {

void bind_graphs(py::module_& m) {
  m.def("capturing", &capturing);
  py::class_<CapturedGraph>(m, "CapturedGraph")
      .def(py::init<>())
      .def("capture_begin", &CapturedGraph::capture_begin)
      .def("capture_end", &CapturedGraph::capture_end)
      .def("replay", &CapturedGraph::replay)
      .def("reset", &CapturedGraph::reset)
      .def("text", &CapturedGraph::text);
}

void bind_skipping(py::module_& m) {
  m.def("skip_if", &skip_if);
  m.def("skip_end", &skip_end);
  py::class_<PendingScalar>(m, "PendingScalar")
      .def(py::init<const at::Tensor&>())
      .def("value", &PendingScalar::value);
}

}  // namespace moai::front
