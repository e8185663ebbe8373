# ./dev setup: makes this machine able to build; does only what is missing or changed.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
source "$root/tools/dev/system_packages.sh"

inputs=("$root/tools/dev/requirements.txt" "$root/tools/dev/install_torch.py"
  "$root/python/pyproject.toml")
stamp=$root/.venv/.moai-setup

find_python() {
  local candidate
  for candidate in /usr/bin/python3 /usr/bin/python3.11 python3.11 python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' \
      2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  die "no Python 3.11 with venv: on Debian 12 install python3-venv"
}

make_venv() {
  local python
  python=$(find_python)
  stage "virtual environment: .venv from $python"
  "$python" -m venv "$root/.venv"
  stage_done
}

install_python_packages() {
  stage "Python packages: tools/dev/requirements.txt"
  "$venv_python" -m pip install -q --disable-pip-version-check \
    -r "$root/tools/dev/requirements.txt" >&2
  stage_done
  stage "torch: the CPU build"
  "$venv_python" "$root/tools/dev/install_torch.py" >&2
  stage_done
  stage "editable install: python/"
  "$venv_python" -m pip install -q --disable-pip-version-check --no-build-isolation --no-deps \
    -e "$root/python" >&2
  stage_done
}

system_packages "$root/tools/dev/packages.txt"
# The tree's own place is part of the stamp: an editable install points at it.
wanted=$(printf '%s\n' "$root" | cat - "${inputs[@]}" | sha256sum | cut -d' ' -f1)
"$venv_python" -c '' 2>/dev/null || make_venv
if [[ $(cat "$stamp" 2>/dev/null) == "$wanted" ]]; then
  say "Python packages: all there"
else
  install_python_packages
  printf '%s\n' "$wanted" >"$stamp"
fi
