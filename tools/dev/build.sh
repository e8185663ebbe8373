# ./dev build [PRESET] [TARGET...]: configures where needed and builds.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
source "$root/tools/dev/jobs.sh"

preset=${1:-release}
shift || true
case $preset in
  debug | release | asan | tsan) ;;
  *) die "no preset '$preset': debug, release, asan or tsan" ;;
esac
[[ -x $venv_python ]] || die "no .venv: run ./dev setup"

cd "$root"
jobs=$(build_jobs)
stage "build: preset $preset, $jobs jobs"
if [[ ! -f build/$preset/build.ninja ]]; then
  cmake --preset "$preset" -DMOAI_PYTHON="$venv_python" >&2
fi
NINJA_STATUS='[%f/%t, %e s] ' cmake --build "build/$preset" -j "$jobs" ${*:+--target "$@"} >&2
stage_done
# The user's commands stand beside python, in whatever state this build left them.
if [[ $preset == release ]]; then
  for program in moai moreh-smi moreh-switch-model; do
    ln -sfn "../../build/release/bin/$program" "$root/.venv/bin/$program"
  done
fi
