# ./dev conformance [ARGUMENT...]: builds what is stale and runs tests/conformance.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
bash "$root/tools/dev/setup.sh"
bash "$root/tools/dev/build.sh" release product
cd "$root"
exec "$venv_python" -m tests.conformance "$@"
