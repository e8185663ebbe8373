# libtorch of the Python that will load the front, as target `moai_torch` (CPU build) and
# `moai_torch_python` (adds the Python binding). Headers come last (-idirafter): torch bundles old
# protobuf and fmt headers that would shadow the system's.
if(NOT MOAI_PYTHON)
  set(MOAI_PYTHON ${CMAKE_SOURCE_DIR}/.venv/bin/python)
endif()
execute_process(
  COMMAND ${CMAKE_COMMAND} -E env TORCH_DEVICE_BACKEND_AUTOLOAD=0
          ${MOAI_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/torch_facts.py
  OUTPUT_VARIABLE torch_facts OUTPUT_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE torch_missing)
if(torch_missing)
  message(FATAL_ERROR "no torch in '${MOAI_PYTHON}': run ./dev setup, "
    "or pass -DMOAI_PYTHON=<python with torch>")
endif()
string(REPLACE "\n" ";" torch_facts "${torch_facts}")
list(GET torch_facts 0 MOAI_TORCH_DIR)
list(GET torch_facts 1 MOAI_TORCH_VERSION)
list(GET torch_facts 2 torch_cuda)
list(GET torch_facts 3 torch_hip)
list(GET torch_facts 4 MOAI_PYTHON_INCLUDE)
if(MOAI_DEVICE STREQUAL "cuda" AND NOT torch_cuda)
  message(FATAL_ERROR "MOAI_DEVICE=cuda needs a CUDA build of torch; "
    "${MOAI_PYTHON} has ${MOAI_TORCH_VERSION}")
elseif(MOAI_DEVICE STREQUAL "hip" AND NOT torch_hip)
  message(FATAL_ERROR "MOAI_DEVICE=hip needs a ROCm build of torch; "
    "${MOAI_PYTHON} has ${MOAI_TORCH_VERSION}")
elseif(NOT MOAI_DEVICE MATCHES "^(cpu|cuda|hip)$")
  message(FATAL_ERROR "MOAI_DEVICE=${MOAI_DEVICE}: expected cpu, cuda or hip")
endif()
message(STATUS "torch ${MOAI_TORCH_VERSION}, device kind ${MOAI_DEVICE}")

add_library(moai_torch INTERFACE)
target_compile_options(moai_torch INTERFACE
  "SHELL:-idirafter ${MOAI_TORCH_DIR}/include"
  "SHELL:-idirafter ${MOAI_TORCH_DIR}/include/torch/csrc/api/include" -Wno-comment)
target_link_directories(moai_torch INTERFACE ${MOAI_TORCH_DIR}/lib)
target_link_options(moai_torch INTERFACE -Wl,--no-as-needed -Wl,-rpath,${MOAI_TORCH_DIR}/lib)
target_link_libraries(moai_torch INTERFACE torch_cpu c10)

add_library(moai_torch_python INTERFACE)
target_compile_options(moai_torch_python INTERFACE "SHELL:-idirafter ${MOAI_PYTHON_INCLUDE}")
target_link_libraries(moai_torch_python INTERFACE moai_torch torch_python)
