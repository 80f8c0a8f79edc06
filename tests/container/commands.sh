# The commands in the container: inputs, exit codes, outputs, summary. Sourced, not run.
# shellcheck shell=bash disable=SC2154

check_commands() {
  local login
  login_variables
  echo "Steps:"
  workspace=$work/workspace
  mkdir -p "$workspace/images"
  definition 'Debian 13' https://images.example/debian.qcow2 "$(sha512sum </dev/null | cut -d ' ' -f 1)" >"$workspace/images/debian.yml"
  cp "$clouds" "$workspace/clouds.yaml"
  # The runner's user is 1001 and the container's is root: nothing may mind that, or leave root's files behind.
  as_root chown -R 1001:1001 "$workspace"

  step without-a-command
  expect "a missing command is an error" is "$status" 1
  expect "its text says what is missing" has_text "$(log)" "subcommand"

  step validate INPUT_COMMAND=validate
  expect "valid definitions are a success" is "$status $(output changes) $(output exit-code) $(output errors)" "0 false 0 0"
  expect "the report is JSON with findings" is "$(output report | json 'type(it["findings"]).__name__')" list

  # A name with a dash, which a shell before the binary would lose.
  step dashed INPUT_COMMAND=validate INPUT_UPSTREAM-MAP=nonsense
  expect "a wrong mapping is an error" is "$status $(output exit-code)" "1 1"
  expect "its text names the input" has_text "$(log)" upstream-map
  step mapped INPUT_COMMAND=validate INPUT_UPSTREAM-MAP=$'https://a.example=http://127.0.0.1:1\nhttps://b.example=http://127.0.0.1:2\n'
  expect "two mappings are fine" is "$status" 0

  printf 'images:\n  - name: "x"\n    shape: round\n' | as_root tee "$workspace/images/broken.yml" >/dev/null
  step broken INPUT_COMMAND=validate
  expect "a finding fails the step" is "$status $(output exit-code)" "3 3"
  expect "it is an annotation at its line" has_text "$(log)" "file=images/broken.yml,line=3"
  expect "it is in the summary" has_text "$(summary)" "broken.yml"
  expect "it is counted" [ "$(output errors)" -gt 0 ]
  as_root rm "$workspace/images/broken.yml"

  step plan INPUT_COMMAND=plan INPUT_CLOUD=admin OS_CLIENT_CONFIG_FILE=/github/workspace/clouds.yaml
  expect "changes are no failure" is "$status $(output changes) $(output exit-code)" "0 true 2"
  expect "the fingerprint is there for apply" matches "$(output fingerprint)" 'admin=[0-9a-f]{64}'
  expect "the summary names the image" has_text "$(summary)" "Debian 13"
  expect "the report has the step" is "$(output report | json 'it["clouds"][0]["steps"][0]["action"]')" upload

  # Without a file, as a workflow with environment secrets does it.
  step plan-by-variables INPUT_COMMAND=plan "${login[@]}"
  expect "a login by variables is the same plan" is "$status $(output changes)" "0 true"

  step wrong-password INPUT_COMMAND=plan "${login[@]}" OS_PASSWORD="$decoy"
  expect "a wrong password is an error" is "$status $(output exit-code)" "1 1"
  expect "it changes nothing" is "$(output changes)" false

  expect "nobody but the runner's user has files in the workspace" is "$(find "$workspace" ! -uid 1001)" ""
}

# login: the variables that the project's member logs in with.
login_variables() {
  login=(OS_AUTH_URL="$(auth_url)" OS_USERNAME=catalogue OS_PASSWORD=reglaze-test OS_PROJECT_NAME=catalogue
    OS_USER_DOMAIN_NAME=Default OS_PROJECT_DOMAIN_NAME=Default OS_REGION_NAME=RegionOne)
}

auth_url() { sed -n 's/^ *auth_url: //p' "$clouds" | head -n 1; }

# definition NAME URL SHA512: an image of one version.
definition() {
  cat <<END
images:
  - name: $1
    format: qcow2
    login: debian
    min_disk: 3
    min_ram: 512
    status: active
    visibility: private
    multi: true
    meta:
      architecture: x86_64
      os_distro: debian
      os_version: '13'
    tags: []
    versions:
      - version: '20261101-2290'
        url: $2
        checksum: sha512:$3
        build_date: 2026-11-01
END
}

# json EXPRESSION: of the document on stdin, which is called `it`. Says nothing where there is no such thing.
json() { python3 -c 'import json, sys; it = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1" 2>/dev/null || true; }
