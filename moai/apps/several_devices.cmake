# A lease of several devices on a real local platform, with real Workers and a client without torch.
find_package(nlohmann_json CONFIG REQUIRED)
add_executable(several_devices_test conformance/several_devices_test.cc)
moai_warnings(several_devices_test)
target_link_libraries(several_devices_test PRIVATE
  moai_driver moai_worker moai_session moai_identity
  nlohmann_json::nlohmann_json GTest::gtest GTest::gmock GTest::gtest_main)
add_dependencies(several_devices_test
  moai moreh-smi moai-master moai-agent moai-worker moai-session agent_fake_worker)
add_test(NAME several_devices COMMAND several_devices_test)
set_tests_properties(several_devices PROPERTIES TIMEOUT 300)
