# Sourced by every command: where the tree is, and how a stage says what it does and its minutes.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
venv_python=$root/.venv/bin/python
stage_name=

say() { printf '[dev] %s\n' "$*" >&2; }

die() {
  say "error: $*"
  exit 1
}

stage() {
  stage_name=$*
  stage_start=$SECONDS
  say "$stage_name ..."
}

stage_done() {
  local tenths=$(((SECONDS - stage_start) / 6))
  say "$stage_name: done in $((tenths / 10)).$((tenths % 10)) min${1:+ ($1)}"
}
