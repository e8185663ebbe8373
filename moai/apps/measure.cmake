find_package(CLI11 REQUIRED)
add_executable(moai-measure measure_main.cc measure/forked_ranks.cc
               measure/measured_calls.cc measure/measured_collectives.cc)
moai_warnings(moai-measure)
target_link_libraries(moai-measure PRIVATE moai_worker moai_device_aten CLI11::CLI11)
