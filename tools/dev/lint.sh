# ./dev lint [--all | FILE...]: clang-tidy, as pinned, over the C++ files that differ from main.
source "$(dirname "${BASH_SOURCE[0]}")/stage.sh"
source "$root/tools/dev/jobs.sh"
clang_tidy=$root/.venv/bin/clang-tidy
[[ -x $clang_tidy ]] || die "no clang-tidy: run ./dev setup"
database=$root/build/release/compile_commands.json
[[ -f $database ]] || die "not configured: run ./dev build"
cd "$root"

tree() { git -c safe.directory='*' "$@"; }

changed_files() {
  local base
  base=$(tree merge-base HEAD main 2>/dev/null) || base=HEAD
  [[ $base != $(tree rev-parse HEAD) ]] || base=HEAD~1
  tree diff --name-only --diff-filter=d "$base" -- 'moai/*.cc'
  tree ls-files --others --exclude-standard 'moai/*.cc'
}

# Only what the release build compiles has its flags in the database.
built_files() {
  while IFS= read -r file; do
    ! grep -qF "\"file\": \"$root/$file\"" "$database" || printf '%s\n' "$file"
  done
}

case ${1:-} in
  '') list=$(changed_files | sort -u | built_files) ;;
  --all) list=$(tree ls-files 'moai/*.cc' | built_files) ;;
  -*) die "lint: no option '$1'; there is --all" ;;
  *) list=$(printf '%s\n' "$@" | built_files) ;;
esac
[[ $list ]] || {
  say "lint: no changed C++ file"
  exit 0
}
stage "clang-tidy: $(wc -l <<<"$list") files"
status=0
xargs -d '\n' -n 1 -P "$(build_jobs)" "$clang_tidy" -p "$root/build/release" --quiet \
  --extra-arg=-Wno-unknown-warning-option <<<"$list" || status=1
stage_done
exit $status
