add_executable(moreh-smi moreh_smi_main.cc)
moai_warnings(moreh-smi)
target_compile_definitions(moreh-smi PRIVATE MOAI_VERSION="${PROJECT_VERSION}")
target_link_libraries(moreh-smi PRIVATE moai_toolkit)
