# Whole workflows of this project, run by act. Sourced, not run.
# shellcheck shell=bash disable=SC2154

check_workflow() {
  local port digest cloud=() tree=$work/tree
  if ! root_is_mount; then
    # runc enters a running container by its mount namespace, whose root is not that of a chroot.
    echo "Workflows: skipped, a chroot has no \`docker exec\`, which act needs"
    return
  fi
  echo "Workflows:"
  venv_with "$cache/venv" "$here/requirements.txt"
  # act takes an image of this name for `uses: ./` instead of building it with the legacy builder once more.
  docker tag "$image" act-dockeraction:latest
  workflow ci-action push .github/workflows/ci.yml --job action
  expect "the job that uses the action and reads its outputs succeeds" is "$status" 0

  # What users copy, on a catalogue of one image that a server on loopback has.
  mkdir "$work/upstream"
  head -c 1000000 /dev/urandom >"$work/upstream/debian.raw"
  digest=$(sha512sum <"$work/upstream/debian.raw" | cut -d ' ' -f 1)
  begin upstream python3 -u -m http.server --bind 127.0.0.1 --directory "$work/upstream" 0
  # Serving HTTP on 127.0.0.1 port 43210 …
  read -r _ _ _ _ _ port _ <<<"$told"
  as_root rm -rf "$work/tree/images" "$work/tree/reglaze.yml"
  mkdir "$work/tree/images"
  definition 'Debian 13' https://images.example/debian.raw "$digest" |
    sed 's/format: qcow2/format: raw/' >"$work/tree/images/debian.yml"
  cloud=(--var REGLAZE_CLOUD=loopback --var OS_AUTH_URL="$(auth_url)" --var OS_REGION_NAME=RegionOne
    --secret OS_APPLICATION_CREDENTIAL_ID="$(application_credential)"
    --secret OS_APPLICATION_CREDENTIAL_SECRET=reglaze-test
    --env REGLAZE_UPSTREAM_MAP="https://images.example=http://127.0.0.1:$port")
  workflow apply workflow_dispatch .github/workflows/apply.yml "${cloud[@]}"
  expect "what is started by hand is planned and applied" is "$status" 0
  expect "apply was done" has_text "$(log)" "Success - Main Do what was approved"
  expect "the image is there, with the bytes of the upstream" \
    is "$(openstack image show 'Debian 13' -f json | json 'it["status"], it["properties"]["os_hash_value"]')" "('active', '$digest')"
  workflow apply-again workflow_dispatch .github/workflows/apply.yml "${cloud[@]}"
  expect "a second run succeeds" is "$status" 0
  expect "where nothing changes nothing is applied" not_in "$(log)" "Do what was approved"
  workflow apply-elsewhere workflow_dispatch .github/workflows/apply.yml
  expect "without a cloud nothing is done" not_in "$(log)" "Say what apply would do"
}

# begin NAME COMMAND...: a server that ends with the test; sets `told`, the first line that it prints.
begin() {
  local name=$1; shift
  "$@" >"$work/$name.told" 2>"$work/$name.log" 9>&- &
  servers+=($!)
  for _ in {1..300}; do [ -s "$work/$name.told" ] && break; sleep 0.1; done
  read -r told <"$work/$name.told" || { tail -n 20 "$work/$name.log" >&2; fail "the server \`$name\` did not start"; }
}

# application_credential: the ID of the one that the services know.
application_credential() { sed -n '/^  appcred:/,$s/^ *application_credential_id: "\(.*\)"/\1/p' "$clouds" | head -n 1; }

# openstack ARGUMENT...: the standard client, as the project's member.
openstack() {
  OS_CLIENT_CONFIG_FILE=$clouds "${REGLAZE_OS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/reglaze-openstack}/venv/bin/openstack" --os-cloud member "$@"
}

# workflow NAME EVENT FILE [OPTION...]: act runs it on the checkout in `tree`.
workflow() {
  local name=$1 event=$2 file=$3; shift 3
  last=$work/steps/$name
  mkdir -p "$last"
  status=0
  (
    cd "$tree"
    as_root env DOCKER_HOST="unix://$engine/socket" XDG_CACHE_HOME="$work/act" HOME="$work/act" "$cache/venv/bin/act" "$event" \
      --workflows "$file" --platform ubuntu-latest=debian:bookworm-slim --pull=false --action-offline-mode \
      --container-daemon-socket - --rebuild=false --network host --rm --actor somebody "$@"
  ) >"$last/log" 2>&1 || status=$?
  printf -- '- %s (exit code %s)\n' "$name" "$status"
}
