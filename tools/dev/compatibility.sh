# ./dev compatibility [NAME...] [--json] [--limit SECONDS] [--plan]: users' scripts over libraries.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"

requirements=$root/tools/dev/requirements_compatibility.txt
stamp=$root/.venv/.moai-compatibility

pip_install() { "$venv_python" -m pip install -q --disable-pip-version-check "$@"; }

# The CPU build where an index has one; else pip takes the build for CUDA, which imports beside the
# device.
install_torchvision() {
  local version
  version=$(grep '^torchvision==' "$requirements")
  pip_install --no-deps "$version+cpu" 2>/dev/null ||
    pip_install --no-deps "$version" --index-url https://download.pytorch.org/whl/cpu 2>/dev/null ||
    say "torchvision: no CPU build in the package indexes"
}

install_libraries() {
  stage "libraries: tools/dev/requirements_compatibility.txt"
  install_torchvision >&2
  pip_install -r "$requirements" >&2
  "$venv_python" "$root/tools/dev/install_torch.py" >&2
  stage_done
}

bash "$root/tools/dev/setup.sh"
bash "$root/tools/dev/build.sh" release product every_window_bench
wanted=$(cat "$requirements" "$root/.venv/.moai-setup" | sha256sum | cut -d' ' -f1)
if [[ $(cat "$stamp" 2>/dev/null) != "$wanted" ]]; then
  install_libraries
  printf '%s\n' "$wanted" >"$stamp"
fi
exec "$venv_python" "$root/tools/dev/compatibility.py" "$@"
