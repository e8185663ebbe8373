add_executable(moreh-switch-model moreh_switch_model_main.cc)
moai_warnings(moreh-switch-model)
target_compile_definitions(moreh-switch-model PRIVATE MOAI_VERSION="${PROJECT_VERSION}")
target_link_libraries(moreh-switch-model PRIVATE moai_toolkit)
