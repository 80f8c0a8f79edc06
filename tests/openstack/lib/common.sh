# Paths, ports and processes of one instance of the services. Sourced, not run.
# shellcheck shell=bash disable=SC2034

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=tests/packages.sh
. "$folder/../packages.sh"

cache=${REGLAZE_OS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/reglaze-openstack}
instance=${REGLAZE_OS_INSTANCE:-main}
offset=${REGLAZE_OS_OFFSET:-0}
state=$cache/run/$instance
venv=$cache/venv
keystone=127.0.0.1:$((5000 + offset))
glance=127.0.0.1:$((9292 + offset))
# A second Glance on the same images, which converts what comes in by an import.
converting=127.0.0.1:$((9293 + offset))
nova=127.0.0.1:$((8774 + offset))
# Nobody listens there but a thread of Nova's process; see one_nova.py.
neutron=127.0.0.1:$((9696 + offset))
cinder=127.0.0.1:$((8776 + offset))
placement=127.0.0.1:$((8778 + offset))
swift=127.0.0.1:$((8080 + offset))
# Swift's parts behind it.
swift_account=$((6202 + offset)) swift_container=$((6201 + offset)) swift_object=$((6200 + offset))
# In the order in which they start.
services=(mariadb keystone glance converting placement nova cinder swift)
ports=(5000 9292 9293 8774 8776 8778 9696 8080 6200 6201 6202)
# Known to everybody on purpose: the services listen on loopback only and hold nothing.
password=reglaze-test

[[ $instance =~ ^[A-Za-z0-9._-]+$ ]] || fail "REGLAZE_OS_INSTANCE \`$instance\`: letters, digits, \`.\`, \`_\`, \`-\` only"
# The kernel's limit for the path of a unix socket is 107 bytes.
[ "${#state}" -le 90 ] || fail "\`$state\` is too long for MariaDB's socket: set REGLAZE_OS_CACHE to a shorter path"

# Credentials of the caller's own cloud must not leak into the services and their tools.
unset "${!OS_@}"
# Without byte code every start of a Python program costs seconds.
unset PYTHONDONTWRITEBYTECODE
# The modules that uWSGI loads from lib; their byte code stays out of the project.
export PYTHONPATH=$folder/lib PYTHONPYCACHEPREFIX=$cache/bytecode
export PYTHONWARNINGS=ignore PATH=$PATH:/usr/sbin:/sbin

# One script at a time works on an instance; those that come meanwhile wait. Descriptor 8 is the lock.
lock_instance() {
  mkdir -p "$cache/run"
  exec 8>"$cache/run/$instance.lock"
  flock 8
}

# start NAME COMMAND...: begins a process that outlives this script, unless it runs already.
start() {
  local name=$1; shift
  running "$name" && return
  say "starting $name"
  # Nobody may end us before the number is noted, else the process is never found again.
  trap '' INT HUP
  setsid "$@" </dev/null >>"$state/log/$name.log" 2>&1 8>&- &
  echo $! >"$state/$name.pid"
  trap - INT HUP
}

# Is the process of the pid file alive, and ours? Numbers are used again; our commands name the instance's folder.
running() {
  local pid
  pid=$(cat "$state/$1.pid" 2>/dev/null) && [ -n "$pid" ] || return
  tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "$state/"
}

stop() {
  local name=$1 pid
  if running "$name"; then
    pid=$(<"$state/$name.pid")
    kill "$pid" 2>/dev/null || true
    for _ in {1..100}; do running "$name" || break; sleep 0.1; done
    if running "$name"; then kill -KILL "$pid" 2>/dev/null || true; fi
  fi
  rm -f "$state/$name.pid"
}

all_running() {
  local name
  for name in "${services[@]}"; do running "$name" || return; done
}

# Each in its own time, the database last.
stop_all() {
  local name
  for name in "${services[@]}"; do
    if running "$name"; then say "stopping $name"; fi
    [ "$name" = mariadb ] || stop "$name" &
  done
  wait
  stop mariadb
}

# show_log NAME: what a person needs to see before the script gives up.
show_log() { tail -n 20 "$state/log/$1.log" >&2 || true; }

# wsgi NAME HOST:PORT MODULE: serves a WSGI application as real clouds do, under uWSGI.
wsgi() {
  local name=$1 address=$2 module=$3 more=()
  running "$name" && return
  # Tests that cut runs keep it busier than one process, which computes one answer at a time, can be.
  if [ "$name" = glance ]; then more=(--processes 2); fi
  if http_status "$address" / >/dev/null; then
    fail "port ${address#*:} for $name is taken by another program: set REGLAZE_OS_OFFSET to a number that is added to every port"
  fi
  start "$name" "$venv/bin/uwsgi" --ini "$folder/lib/uwsgi.ini" --virtualenv "$venv" \
    --http-socket "$address" --module "$module:application" --pidfile "$state/$name.uwsgi" "${more[@]}"
}

# wait_for NAME HOST:PORT PATH: until the service answers without an error of its own.
wait_for() {
  local name=$1 status
  for _ in {1..300}; do
    if status=$(http_status "$2" "$3") && [ "${status:-500}" -lt 500 ]; then return; fi
    running "$name" || { show_log "$name"; fail "$name has ended; the last lines of its log are above"; }
    sleep 0.2
  done
  show_log "$name"
  fail "$name does not answer at http://$2$3; the last lines of its log are above"
}

# http_status HOST:PORT PATH: the number of an answer, by the shell alone as curl may be missing.
http_status() {
  (
    exec 3<>"/dev/tcp/${1%:*}/${1#*:}" || exit 1
    printf 'GET %s HTTP/1.0\r\nHost: %s\r\n\r\n' "$2" "$1" >&3
    read -r -t 10 -u 3 _ status _ || exit 1
    echo "$status"
  ) 2>/dev/null
}
