#!/usr/bin/env bash
# Requests made from the box's own openapi.json, thrown at the box: `tests/api/run.sh BINARY`.
#
# No answer may be one that the document does not name, and none may say that the box broke. Streams and events are left
# out, since their answers have no end; tests/torture asks them. The tool lies in target/test-api and is fetched once.
# EXAMPLES says how many for each route, SEED with which chance.
set -euo pipefail

cd "$(dirname "$0")/../.."
binary=$(realpath "${1:-target/debug/spotter}")
folder=$PWD/target/test-api
mkdir -p "$folder"
if [ ! -x "$folder/venv/bin/schemathesis" ]; then
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" install --quiet --requirement tests/api/requirements.txt
fi

work=$(mktemp -d)
box=
# shellcheck disable=SC2317,SC2329 # the trap calls it
leave() {
  [ -z "$box" ] || kill "$box" 2>/dev/null || true
  [ -z "$box" ] || wait "$box" 2>/dev/null || true
  rm -rf "$work"
}
trap leave EXIT

# Wrong keys are part of what is tried.
cat >"$work/spotter.toml" <<TOML
data_dir = "$work"
[http]
listen = "127.0.0.1:0"
api_key = "a-key-for-the-api"
wrong_keys_per_minute = 1000
[[camera]]
name = "demo"
source = "demo:squat?size=160x120&fps=5"
TOML
"$binary" run --config "$work/spotter.toml" >"$work/said" 2>"$folder/box.log" &
box=$!
address=
for _ in $(seq 200); do
  address=$(sed -n 's#^spotter: \(http://.*\)/$#\1#p' "$work/said")
  [ -z "$address" ] || break
  kill -0 "$box" || exit 1
  sleep 0.1
done
for _ in $(seq 200); do
  ready=$(curl -s -o "$work/sets" -w '%{http_code}' -H 'X-Api-Key: a-key-for-the-api' "$address/api/v1/sets" || true)
  [ "$ready" != 200 ] || break
  sleep 0.1
done
[ "$ready" = 200 ] || { printf 'the box does not open its log: %s\n' "$ready" >&2; exit 1; }

# It keeps notes of its own where it runs.
cd "$folder"
venv/bin/schemathesis run "$address/api/v1/openapi.json" \
  --url "$address" --header 'X-Api-Key: a-key-for-the-api' \
  --exclude-path-regex '/(stream|events)$' \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,unsupported_method \
  --phases examples,coverage,fuzzing --max-examples "${EXAMPLES:-25}" --seed "${SEED:-1}" \
  --request-timeout 20 --max-redirects 0 --continue-on-failure --warnings off --no-color
kill -0 "$box" || { printf 'the box has ended\n' >&2; exit 1; }
