# ./dev format [--check]: clang-format, as pinned, over the C++ files of the tree.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
clang_format=$root/.venv/bin/clang-format
[[ -x $clang_format ]] || die "no clang-format: run ./dev setup"
cd "$root"

cpp_files() {
  git -c safe.directory='*' ls-files -z --cached --others --exclude-standard \
    'moai/*.cc' 'moai/*.h' | while IFS= read -r -d '' file; do
    [[ ! -f $file ]] || printf '%s\0' "$file"
  done
}

case ${1:-} in
  '') cpp_files | xargs -0 -n 40 -P "$(nproc)" "$clang_format" -i ;;
  --check)
    cpp_files | xargs -0 -n 40 -P "$(nproc)" "$clang_format" --dry-run -Werror ||
      die "not formatted: run ./dev format" ;;
  *) die "format: no option '$1'; there is --check" ;;
esac
