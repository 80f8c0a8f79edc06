# Whole workflows of this project, run by act. Sourced, not run.
# shellcheck shell=bash disable=SC2154

check_workflow() {
  echo "Workflows:"
  venv_with "$cache/venv" "$here/requirements.txt"
  # act takes an image of this name for `uses: ./` instead of building it with the legacy builder once more.
  docker tag "$image" act-dockeraction:latest
  workflow ci-action push .github/workflows/ci.yml --job action
  expect "the job that uses the action and reads its outputs succeeds" is "$status" 0
}

# workflow NAME EVENT FILE [OPTION...]: act runs it on the checkout.
workflow() {
  local name=$1 event=$2 file=$3; shift 3
  last=$work/steps/$name
  mkdir -p "$last"
  status=0
  (
    cd "$work/tree"
    as_root env DOCKER_HOST="unix://$engine/socket" XDG_CACHE_HOME="$work/act" HOME="$work/act" "$cache/venv/bin/act" "$event" \
      --workflows "$file" --platform ubuntu-latest=debian:bookworm-slim --pull=false --action-offline-mode \
      --container-daemon-socket - --rebuild=false --network host --rm --actor somebody "$@"
  ) >"$last/log" 2>&1 || status=$?
  printf -- '- %s (exit code %s)\n' "$name" "$status"
}
