#!/bin/bash
# bench_test.sh BIN: tools/bench on a ledger of some hundred events prints every figure; how large they
# are is not asked here.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
BIN=$1 BENCH=$folder/bench "$root/tools/bench" --events 400 >"$folder/said.txt" 2>&1 </dev/null || {
  echo "tools/bench ended with exit code $?:"
  tail -n 40 "$folder/said.txt"
  exit 1
}
for figure in "^ceiling " "^verdict " "^record +1 in flight" "^record +128 in flight" "^full +64 in flight" "^memory " "^opening " "^disk " "^verify .* [1-9][0-9]* events/s"; do
  grep -qE -- "$figure" "$folder/said.txt" || { echo "no such line: $figure"; cat "$folder/said.txt"; exit 1; }
done
