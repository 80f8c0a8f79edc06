# What scripts share: messages, programs that are missing, the folder of builds; sourced by those that need it.
# shellcheck shell=bash

say() { printf '%s  %s\n' "$(date +%H:%M:%S)" "$*" >&2; }
fail() { say "$*"; exit 1; }

as_root() {
  # In a trap a bare `return` would give the status from before the trap.
  if [ "$(id -u)" = 0 ]; then "$@"; return "$?"; fi
  command -v sudo >/dev/null || fail "\`$1\` needs root: run as root, or install sudo"
  sudo "$@"
}

# Succeeds when the program is there; those of daemons are outside an ordinary user's path.
has() { PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null; }

# The folder in which cargo builds.
target_folder() {
  cargo metadata --locked --format-version 1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])'
}

# require PROGRAM [PACKAGE...]: makes sure of a program; the package is called like it unless said.
require() {
  local program=$1; shift
  has "$program" && return
  apt_install "${@:-$program}"
  has "$program" || fail "\`$program\` is still missing after installing \`${*:-$program}\`"
}

apt_install() {
  has apt-get || fail "please install $* (there is no apt-get to do it with)"
  say "installing $*"
  local log options=(-y -q --no-install-recommends -o DPkg::Lock::Timeout=300)
  # On somebody's own machine nothing may be pushed out, such as a MySQL server by MariaDB's program.
  [ "${CI-}" ] || options+=(--no-remove)
  log=$(mktemp)
  if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@" >"$log" 2>&1; then
    # The lists of a fresh machine are empty or old.
    as_root apt-get update -q >"$log" 2>&1 || true
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "$@" >>"$log" 2>&1 || {
      tail -n 20 "$log" >&2
      rm -f "$log"
      fail "could not install $*"
    }
  fi
  rm -f "$log"
}
