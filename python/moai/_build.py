"""Written by CMake: where this build keeps its programs."""

PROGRAM_DIR = "/work/wt/front/build/release/bin"
