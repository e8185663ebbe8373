# build_jobs: as many compilers as there are cores and memory; one with torch's headers takes 2 GiB.
memory_gib() {
  local kib limit
  kib=$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)
  limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)
  if [[ $limit != max ]] && ((limit / 1024 < kib)); then
    kib=$((limit / 1024))
  fi
  echo $((kib / 1048576))
}

build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(($(memory_gib) / 2))
  ((memory > 0)) || memory=1
  echo $((cores < memory ? cores : memory))
}
