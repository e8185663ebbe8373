add_executable(moai-session session_main.cc)
moai_warnings(moai-session)
target_compile_definitions(moai-session PRIVATE MOAI_VERSION="${PROJECT_VERSION}")
target_link_libraries(moai-session PRIVATE moai_session)
