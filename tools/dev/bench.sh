# ./dev bench NAME [ARGUMENT...]: builds what is stale and runs bench/NAME.py.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
shopt -s nullglob
names=()
for file in "$root"/bench/*.py; do
  name=$(basename "$file" .py)
  [[ $name == _* ]] || names+=("$name")
done
[[ $# -ge 1 && -f $root/bench/$1.py ]] ||
  die "no benchmark '${1:-}'; there are: ${names[*]:-none}"
bash "$root/tools/dev/setup.sh"
bash "$root/tools/dev/build.sh" release
name=$1
shift
exec "$venv_python" "$root/bench/$name.py" "$@"
