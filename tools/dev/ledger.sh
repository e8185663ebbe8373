# ./dev ledger [--since COMMIT]: lines per room, sources and tests.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
[[ -x $venv_python ]] || die "no .venv: run ./dev setup"
exec "$venv_python" "$root/tools/ledger.py" "$@"
