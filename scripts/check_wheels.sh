#!/usr/bin/env bash
# Installs the two wheels of dist/ (`make wheel`) into an empty environment and checks that a server of them serves the
# page and has a media node. Usage: check_wheels.sh [dist]
set -euo pipefail
dist=$(realpath "${1:-dist}")
work=$(mktemp -d)
server=
finish() {
    [ -z "$server" ] || { kill "$server" && wait "$server" || true; }
    rm -rf "$work"
}
trap finish EXIT

"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "$dist"/diemcau-*.whl "$dist"/diemcau_media-*.whl
cd "$work" # away from the source tree
# Nothing that builds can be found.
PATH="$work/venv/bin:/usr/bin:/bin" "$work/venv/bin/diemcau" serve --json --port 0 --data "$work/var" \
    >"$work/said" 2>"$work/log" &
server=$!
for _ in $(seq 300); do
    [ -s "$work/said" ] && break
    kill -0 "$server" || { cat "$work/log"; exit 1; }
    sleep 0.1 # another process: there is no event to wait for
done
"$work/venv/bin/python" - "$work/said" <<'PY'
import json, pathlib, sys, time, urllib.error, urllib.request

url = json.loads(pathlib.Path(sys.argv[1]).read_text())["url"]
for _ in range(100):
    try:
        urllib.request.urlopen(url + "/readyz").close()
        break
    except urllib.error.HTTPError:
        time.sleep(0.1)
else:
    sys.exit("no media node within 10 s")
page = urllib.request.urlopen(url + "/").read().decode()
script = page.split('src="', 1)[1].split('"', 1)[0]
size = len(urllib.request.urlopen(url + script).read())
print(f"wheels serve: page {len(page)} bytes, script {size} bytes, media node ready")
PY
