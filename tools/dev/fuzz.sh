# ./dev fuzz [NAME...] [--runs N]: every decoder under libFuzzer, with its line coverage.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
source "$root/tools/dev/system_packages.sh"
bash "$root/tools/dev/setup.sh"
system_packages "$root/tools/dev/packages_fuzz.txt"
cd "$root"
exec "$venv_python" -m tools.fuzz "$@"
