# The image itself: what is in it, and what is not. Sourced, not run.
# shellcheck shell=bash disable=SC2154

# checkout FOLDER: the tree as it will be committed, and beside it what a careless checkout has lying about.
checkout() {
  mkdir -p "$1/images"
  git ls-files -z --cached --others --exclude-standard | xargs -0 --no-run-if-empty ls -d 2>/dev/null |
    tar -c --files-from=- | tar -x -C "$1"
  printf 'password: %s\n' "$decoy" | tee "$1/clouds.yaml" "$1/.env" "$1/images/notes.txt" "$1/secure.yaml" >/dev/null
  commit_all "$1"
}

# commit_all FOLDER: makes a repository of it, since act wants a commit.
commit_all() {
  git -C "$1" init --quiet
  git -C "$1" add --all
  git -C "$1" -c user.name=test -c user.email=test@example.invalid commit --quiet --message "$decoy"
}

build() {
  local begin=$SECONDS log=$work/build.log
  docker build --network host --build-arg PROFILE=quick --progress plain --tag "$image" "$1" >"$log" 2>&1 ||
    { tail -n 40 "$log" >&2; fail "the image could not be built"; }
  say "built in $((SECONDS - begin)) s"
}

check_layers() {
  local folder=$work/image below layer layers size certificates
  expect "the entry point is the binary, without a shell" \
    is "$(docker image inspect --format '{{json .Config.Entrypoint}} {{json .Config.Cmd}}' "$image")" '["/usr/local/bin/reglaze"] null'
  # The runner needs root, and names the folder itself.
  expect "neither user nor folder is set" \
    is "$(docker image inspect --format '{{.Config.User}}{{.Config.WorkingDir}}' "$image")" ""
  expect "the history knows no secret" not_in "$(docker history --no-trunc "$image")" "${secrets[@]}"

  mkdir -p "$folder/files"
  docker save "$image" | tar -x -C "$folder"
  below=$(docker image inspect --format '{{len .RootFS.Layers}}' debian:bookworm-slim)
  mapfile -t layers < <(python3 -c 'import json, sys; print(*json.load(sys.stdin)[0]["Layers"], sep="\n")' <"$folder/manifest.json")
  for layer in "${layers[@]:below}"; do tar -x -C "$folder/files" -f "$folder/$layer"; done
  size=$(docker image inspect --format '{{.Size}}' "$image")
  say "the image has $((size / 1000000)) MB, $(du --summarize --block-size=MB "$folder/files" | cut -f 1) of them ours (built for tests, not size)"
  expect "only the binary and the certificates are added to Debian" \
    is "$(cd "$folder/files" && find . ! -type d | sort)" $'./etc/ssl/certs/ca-certificates.crt\n./usr/local/bin/reglaze'
  expect "no secret is in the layers" no_secret "$folder"
  certificates=$(grep -c 'BEGIN CERTIFICATE' "$folder/files/etc/ssl/certs/ca-certificates.crt")
  expect "the certificates of the public authorities are there" [ "$certificates" -gt 100 ]
  expect "the binary is a program and no script" is "$(head -c 4 "$folder/files/usr/local/bin/reglaze" | tail -c 3)" ELF
  expect "it runs" has_text "$(docker run --rm --network host "$image" --version)" "reglaze "
  rm -rf "$folder"
}

# no_secret FOLDER...: says in which files there is one.
no_secret() {
  local secret found=0
  for secret in "${secrets[@]}"; do
    if as_root grep -rlF -- "$secret" "$@"; then
      echo "  '$secret' is in the files above"
      found=1
    fi
  done
  return $found
}

has_secret() { ! no_secret "$@" >/dev/null; }
