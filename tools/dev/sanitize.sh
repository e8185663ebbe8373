# ./dev test --sanitize [NAME...]: C++ suites under sanitizers, ending with a line of counts.
# asan + ubsan: every suite but front, which lives inside an uninstrumented Python. tsan: the rooms
# with threads of their own, but for cases over real gRPC: what its threads hand over is ordered by
# code that was built without tsan. Suites over libtorch are for asan only, for the same reason.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
source "$root/tools/dev/jobs.sh"
thread_rooms=(comm compiler driver worker control)
declare -A filter=([asan]='*' [tsan]='*-*Loopback*')
failed=0

suites() {
  ctest --test-dir "$root/build/$1" -N | sed -n 's/^ *Test *#[0-9]*: \([a-z_]*\)$/\1/p'
}

# chosen PRESET [NAME...]: the suites to run, one a line.
chosen() {
  local preset=$1 suite
  shift
  while read -r suite; do
    [[ $suite == front* ]] && continue
    [[ $preset == tsan && " ${thread_rooms[*]} " != *" $suite "* ]] && continue
    [[ $# -gt 0 && " $* " != *" $suite "* ]] && continue
    printf '%s\n' "$suite"
  done < <(suites "$preset")
}

sanitize() {
  local preset=$1 names pattern
  shift
  cd "$root"
  [[ -f build/$preset/build.ninja ]] || cmake --preset "$preset" -DMOAI_PYTHON="$venv_python" >&2
  mapfile -t names < <(chosen "$preset" "$@")
  ((${#names[@]})) || return 0
  bash "$root/tools/dev/build.sh" "$preset" "${names[@]/%/_test}"
  pattern=$(IFS='|' && echo "^(${names[*]})\$")
  stage "suites under $preset: ${names[*]}"
  mkdir -p "$results/$preset/cpp"
  # Address randomisation of newer kernels leaves no room for the shadow memory of tsan.
  GTEST_OUTPUT=xml:$results/$preset/cpp/ GTEST_FILTER=${filter[$preset]} \
    setarch -R ctest --test-dir "build/$preset" -R "$pattern" --output-on-failure \
    --timeout 900 --output-junit "$results/$preset/ctest.xml" >&2 || failed=1
  stage_done
}

results=$root/build/results_sanitize
rm -rf "$results"
bash "$root/tools/dev/setup.sh"
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=suppressions=$root/tools/dev/tsan_suppressions.txt:history_size=7
sanitize asan "$@"
sanitize tsan "$@"
"$venv_python" "$root/tools/dev/count_results.py" "$results"/* || failed=1
exit $failed
