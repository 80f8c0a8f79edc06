# A Docker Engine of our own and the base images. Sourced, not run.
# shellcheck shell=bash disable=SC2154

# engine_up: with its data in the cache, its sockets in a short path, mounts of its own, and no network but the host's.
engine_up() {
  local starter apart=(unshare --mount)
  require dockerd docker.io
  mkdir -p "$cache/data"
  # One run at a time; those that come meanwhile wait. Descriptor 9 is the lock.
  exec 9>"$cache/lock"
  flock 9
  engine=$(mktemp -d "${TMPDIR:-/tmp}/reglaze-engine.XXXXXX")
  root_is_mount || apart+=(--propagation unchanged)
  as_root "${apart[@]}" "$here/dockerd" "$engine" "$cache/data" </dev/null >"$engine/log" 2>&1 9>&- &
  starter=$!
  for _ in {1..150}; do
    docker info >/dev/null 2>&1 && return
    kill -0 "$starter" 2>/dev/null || break
    sleep 0.2
  done
  tail -n 20 "$engine/log" >&2
  fail "the Docker Engine did not start; the last lines of its log are above"
}

# root_is_mount: not in a chroot.
root_is_mount() { awk '$5 == "/" { found = 1 } END { exit !found }' /proc/self/mountinfo; }

# engine_down: ends it, by its own pid file.
engine_down() {
  local pid
  [ "${engine-}" ] || return 0
  if pid=$(as_root cat "$engine/pid" 2>/dev/null); then
    as_root kill "$pid" 2>/dev/null || true
    # It gives containers 15 s to end, and takes its containerd along.
    for _ in {1..300}; do as_root kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  fi
  as_root rm -rf "$engine"
}

# Debian's client: another one that stands earlier in the path may know the legacy builder only.
docker() { as_root env DOCKER_BUILDKIT=1 DOCKER_HOST="unix://$engine/socket" /usr/bin/docker "$@"; }

# bases: the images that the Dockerfile begins with. Where no registry can be reached, stand-ins of the same names are
# made of the same Debian packages and of the Rust toolchain of this machine.
bases() {
  if [ "${REGLAZE_CONTAINER_BASES-}" = pull ]; then
    docker pull --quiet rust:1-slim-bookworm
    docker pull --quiet debian:bookworm-slim
    return
  fi
  require mmdebstrap
  [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || apt_install debian-archive-keyring
  if ! has_image debian:bookworm-slim; then
    say "making a stand-in of debian:bookworm-slim (once; about 20 s)"
    debian | docker import - debian:bookworm-slim >/dev/null
  fi
  if ! has_image reglaze/gcc:bookworm; then
    say "making Debian with a C compiler (once; about 30 s)"
    debian --include=ca-certificates,gcc,libc6-dev | docker import - reglaze/gcc:bookworm >/dev/null
  fi
  local toolchain
  toolchain=$(rustc -vV | sha256sum | cut -c 1-16)
  if [ "$(label rust:1-slim-bookworm toolchain)" != "$toolchain" ]; then
    say "making a stand-in of rust:1-slim-bookworm (once; about 15 s)"
    rust_image "$toolchain"
  fi
}

debian() { as_root mmdebstrap --quiet --variant=minbase "$@" bookworm -; }

has_image() { docker image inspect "$1" >/dev/null 2>&1; }

label() { docker image inspect --format "{{index .Config.Labels \"$2\"}}" "$1" 2>/dev/null || true; }

# rust_image LABEL: compiler, cargo and standard library of this machine, and the certificates that it trusts.
rust_image() {
  local context root host
  context=$(mktemp -d "$work/rust.XXXXXX")
  root=$(rustc --print sysroot)
  host=$(rustc -vV | sed -n 's/^host: //p')
  (cd "$root" && tar -cf "$context/toolchain.tar" bin/cargo bin/rustc lib/*.so* "lib/rustlib/$host")
  cp -L /etc/ssl/certs/ca-certificates.crt "$context/"
  cat >"$context/Dockerfile" <<END
FROM reglaze/gcc:bookworm
ADD toolchain.tar /usr/local/
COPY ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
END
  docker build --quiet --label "toolchain=$1" --tag rust:1-slim-bookworm "$context" >/dev/null
  rm -rf "$context"
}
