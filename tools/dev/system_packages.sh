# system_packages LIST: installs the Debian packages named in the file LIST that are missing.
missing_packages() {
  local package
  while read -r package; do
    [[ -z $package || $package == \#* ]] && continue
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed$' ||
      printf '%s\n' "$package"
  done <"$1"
}

as_root() {
  if [[ $(id -u) == 0 ]]; then
    env DEBIAN_FRONTEND=noninteractive "$@"
  else
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  fi
}

system_packages() {
  command -v dpkg-query >/dev/null || {
    say "no dpkg here: install the equivalents of $1 by hand"
    return
  }
  local missing
  mapfile -t missing < <(missing_packages "$1")
  if ((${#missing[@]} == 0)); then
    say "system packages: all there"
    return
  fi
  if [[ $(id -u) != 0 ]] && ! command -v sudo >/dev/null; then
    die "missing packages, and neither root nor sudo; as root run:" \
      "apt-get install --no-install-recommends ${missing[*]}"
  fi
  stage "system packages: ${#missing[@]} missing (${missing[*]})"
  as_root apt-get update -q >&2
  as_root apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
  stage_done "${#missing[@]} named"
}
