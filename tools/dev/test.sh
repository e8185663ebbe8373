# ./dev test [-k NAME] | --sanitize [SUITE...]: the test suite, ending with a line of counts.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
source "$root/tools/dev/jobs.sh"

name=
while (($#)); do
  case $1 in
    --sanitize) exec bash "$root/tools/dev/sanitize.sh" "${@:2}" ;;
    -k)
      [[ $# -ge 2 ]] || die "-k needs a name"
      name=$2
      shift ;;
    *) die "test: no option '$1'; there are -k NAME and --sanitize" ;;
  esac
  shift
done

run_ctest() {
  local cases=$results/cpp
  stage "C++ suites"
  GTEST_OUTPUT=xml:$cases/ GTEST_FILTER=*${name:+$name*} ctest --test-dir "$root/build/release" \
    --output-on-failure -j "$(nproc)" --output-junit "$results/ctest.xml" >&2 || failed=1
  stage_done
}

check_headers() {
  stage "headers: each compiles by itself"
  cmake --build "$root/build/release" -j "$(build_jobs)" \
    --target all_verify_interface_header_sets >"$results/headers.log" || {
    cat "$results/headers.log" >&2
    failed=1
  }
  stage_done
}

run_pytest() {
  local folder=$1 status=0
  [[ -d $root/$folder ]] || return 0
  stage "pytest: $folder"
  (cd "$root" && "$venv_python" -m pytest -q -rs "$folder" ${name:+-k "$name"} \
    --junitxml "$results/${folder//\//_}.xml" >&2) || status=$?
  # 5: no test was chosen.
  ((status == 0 || status == 5)) || failed=1
  stage_done
}

failed=0
results=$root/build/results
rm -rf "$results"
mkdir -p "$results/cpp"
bash "$root/tools/dev/setup.sh"
bash "$root/tools/dev/build.sh" release
[[ $name ]] || check_headers
run_ctest
run_pytest tools
run_pytest python/tests
run_pytest tests/conformance
run_pytest tests/e2e
"$venv_python" "$root/tools/dev/count_results.py" "$results" || failed=1
exit $failed
