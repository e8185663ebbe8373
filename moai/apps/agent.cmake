find_package(CLI11 REQUIRED)
add_executable(moai-agent agent_main.cc)
moai_warnings(moai-agent)
target_compile_definitions(moai-agent PRIVATE MOAI_VERSION="${PROJECT_VERSION}"
  MOAI_PYTHON="${MOAI_PYTHON}")
target_link_libraries(moai-agent PRIVATE moai_agent CLI11::CLI11)
