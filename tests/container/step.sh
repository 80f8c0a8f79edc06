# One step of a workflow, run the way GitHub's runner runs a container action. Sourced, not run.
# shellcheck shell=bash disable=SC2154

# step NAME [VARIABLE=VALUE...]: the workspace is `$workspace`; what came of it is read by the functions below.
# Like the runner it hands over every input that action.yml declares, those that are not given as an empty text.
step() {
  local name=$1 folder=$work/steps/$1 input variables=(); shift
  mkdir -p "$folder"/{home,workflow,commands}
  echo '{}' >"$folder/workflow/event.json"
  : >"$folder/commands/set_output_1"
  : >"$folder/commands/step_summary_1"
  for input in "${inputs[@]}"; do variables+=(--env "INPUT_${input^^}="); done
  for input in "$@"; do variables+=(--env "$input"); done
  last=$folder
  status=0
  docker run --rm --network host --workdir /github/workspace \
    --env HOME=/github/home --env CI=true --env GITHUB_ACTIONS=true --env GITHUB_WORKSPACE=/github/workspace \
    --env GITHUB_REPOSITORY=owner/name --env GITHUB_EVENT_NAME=push \
    --env GITHUB_EVENT_PATH=/github/workflow/event.json \
    --env GITHUB_OUTPUT=/github/file_commands/set_output_1 \
    --env GITHUB_STEP_SUMMARY=/github/file_commands/step_summary_1 "${variables[@]}" \
    --volume "$workspace:/github/workspace" --volume "$folder/home:/github/home" \
    --volume "$folder/workflow:/github/workflow" --volume "$folder/commands:/github/file_commands" \
    "$image" >"$folder/log" 2>&1 || status=$?
  printf -- '- %s (exit code %s)\n' "$name" "$status"
}

# declared_inputs: the names of the inputs in action.yml.
declared_inputs() { sed -n '/^inputs:/,/^[a-z]*:$/s/^  \([a-z-]*\):$/\1/p' action.yml; }

# output NAME: one output of the last step, as the runner reads the file.
output() {
  awk -v want="$1" '
    end == "" { at = index($0, "<<"); name = substr($0, 1, at - 1); end = substr($0, at + 2); next }
    $0 == end { end = ""; next }
    name == want { print }
  ' "$last/commands/set_output_1"
}

log() { cat "$last/log"; }

summary() { cat "$last/commands/step_summary_1"; }

# expect WHAT COMMAND...: says so and goes on, so that one run names everything that is wrong.
expect() {
  local what=$1; shift
  if "$@"; then return; fi
  printf '  NOT SO: %s\n' "$what"
  wrong=$((wrong + 1))
  if [ -e "${last-}/log" ]; then sed 's/^/    | /' "$last/log" | tail -n 30; fi
}

is() { [ "$1" = "$2" ] || { echo "  found '$1', expected '$2'"; return 1; }; }

matches() { [[ $1 =~ ^$2$ ]] || { echo "  found '$1', expected the form '$2'"; return 1; }; }

has_text() { [[ $1 == *"$2"* ]] || { echo "  found no '$2'"; return 1; }; }

# not_in TEXT PART...: none of the parts is in the text.
not_in() {
  local text=$1 part; shift
  for part in "$@"; do
    if [[ $text == *"$part"* ]]; then echo "  found '$part'"; return 1; fi
  done
}
