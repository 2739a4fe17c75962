# Sourced by the scripts beside it: packages, configure, build. Needs bash; changes nothing when sourced.

dev_folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_root=$(cd "$dev_folder/../.." && pwd)
export LC_ALL=C.UTF-8

say() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'tools/dev/%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# The packages of tools/dev/packages that are not installed.
missing_packages() {
  local package status
  while IFS=: read -r package _; do
    case $package in '' | '#'*) continue ;; esac
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) || status=
    [ "$status" = installed ] || printf '%s\n' "$package"
  done <"$dev_folder/packages"
}

# Ends with a message if the package lists have no LLVM 22.
require_llvm_22() {
  local candidate
  candidate=$(apt-cache policy libmlir-22-dev | sed -n 's/^ *Candidate: *//p')
  case $candidate in '' | '(none)') ;; *) return ;; esac
  local id= codename= name=
  if [ -r /etc/os-release ]; then
    id=$(. /etc/os-release && echo "${ID:-}")
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    name=$(. /etc/os-release && echo "${PRETTY_NAME:-}")
  fi
  if [ "$id" = debian ] && ! apt-cache policy | grep -q -- "$codename-security"; then
    fail "no package libmlir-22-dev: Debian has LLVM 22 in its security suite, which this machine" \
      "does not list. Add it and try again:" $'\n' \
      " echo 'deb http://deb.debian.org/debian-security $codename-security main'" \
      "> /etc/apt/sources.list.d/security.list"
  fi
  fail "no package libmlir-22-dev: ${name:-this system} has no LLVM 22 (Debian 12 with its security" \
    "suite has; https://apt.llvm.org has it for others)"
}

# Installs what is missing: as root directly, else with sudo, else says how and ends.
install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "no Debian or Ubuntu: going on without looking for the packages in tools/dev/packages"
    return
  fi
  local missing as_root=()
  missing=$(missing_packages)
  [ -n "$missing" ] || return 0
  missing=$(tr '\n' ' ' <<<"$missing")
  if [ "$(id -u)" != 0 ]; then
    as_root=(sudo)
    # Without a terminal sudo cannot ask for a password.
    [ -t 0 ] || as_root=(sudo -n)
    if ! command -v sudo >/dev/null || { [ ! -t 0 ] && ! sudo -n true 2>/dev/null; }; then
      fail "packages are missing; as root:" $'\n' " apt-get update && apt-get install $missing"
    fi
  fi
  say "Installing: $missing"
  local options=(-q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  "${as_root[@]}" apt-get "${options[@]}" update || fail "apt-get update failed"
  require_llvm_22
  # shellcheck disable=SC2086 # a list of words
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get "${options[@]}" --no-install-recommends install $missing ||
    fail "apt-get install failed"
}

# configure PRESET [-DNAME=VALUE …]: into build/PRESET. What cmake says is shown if it fails.
configure() {
  local preset=$1 log=$source_root/build/configure-$1.log
  shift
  say "Configuring build/$preset (first time: downloads the ONNX library)"
  mkdir -p "$source_root/build"
  (cd "$source_root" && cmake --preset "$preset" "$@") >"$log" 2>&1 || {
    cat "$log" >&2
    fail "configuring failed"
  }
}

# build PRESET TARGET…
build() {
  local preset=$1 started=$SECONDS
  shift
  say "Building $* ($(nproc) cores)"
  cmake --build "$source_root/build/$preset" --target "$@" || fail "the build failed"
  echo "built in $((SECONDS - started)) s"
}

# Name and version of what the result depends on, for reports of failures.
versions() {
  (. /etc/os-release 2>/dev/null && echo "system    ${PRETTY_NAME:-unknown}, $(uname -rm)")
  echo "cpu       $(nproc) × $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)"
  echo "memory    $(awk '/MemTotal/ { printf "%.1f GiB", $2 / 1048576 }' /proc/meminfo)"
  local tool
  for tool in clang-22 ld.lld-22 cmake ninja ccache python3 protoc git; do
    printf '%-9s %s\n' "$tool" "$("$tool" --version 2>/dev/null | head -1 || true)"
  done
  echo "moec      $(git -C "$source_root" log -1 --format='%h %cs %s' 2>/dev/null || echo 'no git checkout')"
}
