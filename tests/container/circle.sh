# The whole circle: what users copy proposes, shows what it means, and deploys what was merged; at a GitHub of our own and a
# real Glance. Sourced, not run.
# shellcheck shell=bash disable=SC2154

check_circle() {
  local forge tree upstream=$work/circle-upstream token=ghs_circle-$RANDOM$RANDOM$RANDOM repository=somebody/catalogue
  local round number commit url digest writes event cloud job
  # What act cannot do without (see check_workflow).
  root_is_mount || return 0
  echo "The whole circle:"
  require curl
  secrets+=("$token")
  begin_circle

  event=$(event '{"schedule": "17 5 * * *"}')
  workflow circle-update schedule .github/workflows/update.yml "${job[@]}" --eventpath "$event"
  expect "the shipped workflow looks for newer builds" is "$status" 0
  look pulls >"$last/pulls.json"
  expect "it opened one pull request" \
    is "$(json '[(one["branch"], one["author"], one["is_open"], one["labels"]) for one in it]' <"$last/pulls.json")" \
    "[('reglaze/ubuntu', 'github-actions[bot]', True, ['images'])]"
  expect "a reviewer sees whose signature proves it" has_text "$(cat "$last/pulls.json")" "$(<"$upstream/fingerprint")"
  number=$(json 'it[0]["number"]' <"$last/pulls.json")
  [ "$number" ] || fail "without a pull request the circle ends here"
  commit=$(json 'it[0]["head"]' <"$last/pulls.json")
  expect "its commit is verified" is "$(api "git/commits/$commit" | json 'it["verification"]["verified"]')" True

  event=$(event "{\"action\": \"opened\", \"number\": $number, \"pull_request\": $(api "pulls/$number")}")
  take "$commit"
  for round in circle-review circle-review-again; do
    workflow "$round" pull_request .github/workflows/review.yml "${job[@]}" "${cloud[@]}" --eventpath "$event"
    expect "validate and plan find nothing wrong with it" is "$status" 0
    look "comments/$number" >"$last/comments.json"
    expect "one comment tells the plan, the same one each time" \
      is "$(json '[one["author"] for one in it]' <"$last/comments.json")" "['github-actions[bot]']"
    expect "it says what tenants will see" has_text "$(cat "$last/comments.json")" "Ubuntu 24.04"
  done
  expect "nothing is in the cloud yet" is "$(openstack image list -f value -c Name | grep '^Ubuntu' || true)" ""

  commit=$(act_as_person "pulls/$number/merge?method=squash" | json 'it["commit"]')
  event=$(event "$(push "$commit")")
  take "$commit"
  workflow circle-apply push .github/workflows/apply.yml "${job[@]}" "${cloud[@]}" --eventpath "$event"
  expect "what was reviewed is applied after the squashed merge" is "$status" 0
  expect "it found the reviewed plan" has_text "$(log)" "bound by #$number"
  url=$(sed -n 's/^ *url: //p' "$tree/images/ubuntu.yml")
  digest=$(sha512sum <"$upstream/${url#https://}" | cut -d ' ' -f 1)
  expect "the image is there, with the bytes of the upstream" \
    is "$(openstack image show 'Ubuntu 24.04' -f json | json 'it["status"], it["properties"]["os_hash_value"]')" "('active', '$digest')"

  writes=$(look writes)
  event=$(event '{"schedule": "17 5 * * *"}')
  workflow circle-update-again schedule .github/workflows/update.yml "${job[@]}" --eventpath "$event"
  expect "the next run succeeds" is "$status" 0
  expect "it finds nothing to do" is "$(look writes)" "$writes"

  # Past the review: pushed straight to the base.
  sed 's/^    min_ram: .*/    min_ram: 1024/' "$tree/images/ubuntu.yml" >"$work/pushed.yml"
  commit=$(act_as_person "commit?branch=main&message=Push" --data-binary "$(as_json images/ubuntu.yml "$work/pushed.yml")" | json 'it["commit"]')
  event=$(event "$(push "$commit")")
  take "$commit"
  workflow circle-unreviewed push .github/workflows/apply.yml "${job[@]}" "${cloud[@]}" --eventpath "$event"
  expect "what nobody reviewed is refused" is "$status" 1
  expect "its text says why" has_text "$(log)" "no merged pull request"
  expect "the cloud is as it was" is "$(openstack image show 'Ubuntu 24.04' -f value -c min_ram)" 512

  expect "GitHub's own descriptions find nothing wrong with any call" is "$(look violations)" "[]"
}

# begin_circle: upstream, forge, and the repository that a user has; sets `forge`, `tree`, `cloud` and `job`.
begin_circle() {
  local seed=$work/circle-seed target upload port map=() host
  tests/upstream/publish "$upstream" --only ubuntu-server >/dev/null
  begin circle-upstream tests/upstream/serve "$upstream"
  port=$told
  for host in "$upstream"/*/; do
    host=$(basename "$host")
    map+=("https://$host=http://127.0.0.1:$port/$host")
  done

  # A copy of what ships, on a catalogue of one image; its source trusts the key that was made on the spot.
  mkdir -p "$seed"/{.github/workflows,images,sources}
  cp action.yml Dockerfile "$seed"
  cp .github/workflows/{update,review,apply}.yml "$seed/.github/workflows"
  sed -E "s/[0-9A-F]{40}/$(<"$upstream/fingerprint")/g" sources/ubuntu.yml >"$seed/sources/ubuntu.yml"
  printf 'pull_requests:\n  labels: [images]\n  pause: 0s\n' >"$seed/reglaze.yml"
  ubuntu_definition >"$seed/images/ubuntu.yml"

  REGLAZE_TEST_GITHUB=$(tests/github/up)
  export REGLAZE_TEST_GITHUB
  say "building the fake GitHub"
  cargo build --locked --quiet --example fake-github
  target=$(target_folder)
  begin circle-forge "$target/debug/examples/fake-github" "$seed" 0 "$repository"
  forge=$told
  act_as_person tokens --data-binary "{\"secret\": \"$token\", \"kind\": \"actions\"}" >/dev/null
  # GitHub's description has no paths that name a repository by its number.
  act_as_person settings --data-binary '{"links_by_number": false, "delete_branch_on_merge": true}' >/dev/null

  # No action can be fetched here. In place of the one that keeps the plan stands one that wants the file to be there.
  upload=$(sed -n 's/.*uses: \(actions\/upload-artifact@[0-9a-f]*\) .*/\1/p' .github/workflows/review.yml)
  mkdir "$work/upload"
  cat >"$work/upload/action.yml" <<'END'
name: stand-in
description: Wants a file
inputs:
  path: {description: The file, required: true}
runs:
  using: composite
  steps:
    - shell: bash
      env: {FILE: "${{ inputs.path }}"}
      run: test -s "$FILE"
END
  tree=$work/circle-tree
  job=(--secret GITHUB_TOKEN="$token" --env GITHUB_REPOSITORY="$repository" --env GITHUB_API_URL="$forge"
    --env GITHUB_GRAPHQL_URL="$forge/graphql" --env GITHUB_SERVER_URL="$forge" --env REGLAZE_UPSTREAM_MAP="${map[*]}"
    --local-repository "$upload=$work/upload")
  cloud=(--var REGLAZE_CLOUD=loopback --var OS_AUTH_URL="$(auth_url)" --var OS_REGION_NAME=RegionOne
    --secret OS_APPLICATION_CREDENTIAL_ID="$(application_credential)" --secret OS_APPLICATION_CREDENTIAL_SECRET=reglaze-test)
  take main
}

ubuntu_definition() {
  cat <<'END'
images:
  - name: Ubuntu 24.04
    format: qcow2
    login: ubuntu
    min_disk: 3
    min_ram: 512
    status: active
    visibility: private
    multi: true
    meta:
      architecture: x86_64
      os_distro: ubuntu
      os_version: "24.04"
    tags: []
    upstream: {from: ubuntu, release: "24.04", arch: x86_64}
    versions: []
END
}

# look WHAT: what the fake GitHub has, as JSON; the table in tests/github/control.rs.
look() { curl --silent --show-error --fail "$forge/_fake/$1"; }

# act_as_person WHAT [OPTION...]: does it, by the same table.
act_as_person() {
  local what=$1; shift
  curl --silent --show-error --fail --request POST "$@" "$forge/_fake/$what"
}

# api PATH: of the repository, as the workflow's token sees it.
api() { curl --silent --show-error --fail --header "Authorization: Bearer $token" "$forge/repos/$repository/$1"; }

# event JSON: a file with it and what every event has; prints its path.
event() {
  local file
  file=$(mktemp "$work/event.XXXXXX")
  python3 -c 'import json, sys; print(json.dumps(json.loads(sys.argv[1]) | {"repository": {"full_name": sys.argv[2], "default_branch": "main"}}))' \
    "$1" "$repository" >"$file"
  echo "$file"
}

# push COMMIT: what the event of a push to the base tells, as far as act and the binary read it.
push() { printf '{"ref": "refs/heads/main", "after": "%s", "deleted": false}' "$1"; }

# as_json PATH FILE: an object of one text.
as_json() { python3 -c 'import json, sys; print(json.dumps({sys.argv[1]: open(sys.argv[2]).read()}))' "$1" "$2"; }

# take NAME: `tree` has the files of a branch or commit, as actions/checkout lays them.
take() {
  as_root rm -rf "$tree"
  look "files/$1" | python3 -c '
import json, pathlib, sys
for path, text in json.load(sys.stdin).items():
    file = pathlib.Path(sys.argv[1], path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
' "$tree"
  commit_all "$tree"
}
