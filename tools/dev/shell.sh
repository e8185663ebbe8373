# ./dev shell: an interactive shell with .venv and the built programs first in PATH.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
[[ -x $venv_python ]] || die "no .venv: run ./dev setup"
export VIRTUAL_ENV=$root/.venv PATH="$root/.venv/bin:$root/build/release/bin:$PATH"
exec "${SHELL:-/bin/bash}" -i
