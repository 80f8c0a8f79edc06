# Python packages into virtual environments. Sourced, not run.
# shellcheck shell=bash disable=SC2154

# venv_with FOLDER REQUIREMENTS: an environment with these packages, made once for each content of the file.
# The file names every package, those that others depend on too.
venv_with() {
  local target=$1 requirements=$2 want
  want=$(sha256sum <"$requirements")
  [ "$(cat "$target/complete" 2>/dev/null)" = "$want" ] && "$target/bin/python" -c '' 2>/dev/null && return
  mkdir -p "$cache"
  # Several instances share the environment: one installs, the others wait.
  exec 7>"$cache/install.lock"
  flock 7
  if [ "$(cat "$target/complete" 2>/dev/null)" != "$want" ] || ! "$target/bin/python" -c '' 2>/dev/null; then
    require python3
    # Debian and Ubuntu leave this module out of python3.
    python3 -c 'import ensurepip' 2>/dev/null || apt_install python3-venv
    say "installing the Python packages of ${requirements##*/} (about 10 s; with pip alone 2 min)"
    rm -f "$target/complete"
    "$target/bin/python" -c '' 2>/dev/null || { rm -rf "$target"; python3 -m venv "$target"; }
    [ -x "$target/bin/uv" ] || "$target/bin/pip" install -q uv==0.13.8 || true
    # pip follows where uv cannot: uv does not read pip's settings of indexes.
    "$target/bin/uv" pip install -q --no-deps --python "$target/bin/python" -r "$requirements" ||
      "$target/bin/pip" install -q --no-deps -r "$requirements" || fail "could not install ${requirements##*/} into $target"
    echo "$want" >"$target/complete"
  fi
  exec 7>&-
}
