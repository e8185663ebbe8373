"""Findings that stay, each with its reason. One that no longer occurs is itself a finding."""

# (rule, path, reason)
EXEMPTIONS = [
    ("test-place", "moai/control/loopback_test.cc", "client, wire and master in one process"),
    ("test-place", "moai/rpc/loopback_test.cc", "server and client in one process"),
    ("test-place", "moai/device/aten/call/numeric_test.cc", "its folder as a whole, by numbers"),
    ("test-place", "moai/worker/serve/over_aten_test.cc", "the room over libtorch"),
    ("call", "moai/apps/worker_main.cc", "the thread ends the process, which has no other end"),
]
