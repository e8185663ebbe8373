add_executable(moai moai_main.cc)
moai_warnings(moai)
target_compile_definitions(moai PRIVATE MOAI_VERSION="${PROJECT_VERSION}")
target_link_libraries(moai PRIVATE moai_toolkit)
