# ./dev run FILE [ARGUMENT...]: sets up and builds what is stale, then runs FILE as a user would.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
[[ $# -ge 1 ]] || die "run which file? ./dev run examples/gpt/train.py"
[[ -f $1 ]] || die "no file '$1'"
bash "$root/tools/dev/setup.sh"
bash "$root/tools/dev/build.sh" release product
exec "$venv_python" "$@"
