#!/bin/bash
# demo_test.sh BIN: plays tools/demo with the programs in BIN and checks what it says and leaves behind.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
said=$folder/said.txt

DEMO=$folder/demo BIN=$1 "$root/tools/demo" >"$said" 2>&1 </dev/null || {
  echo "tools/demo ended with exit code $?:"
  tail -n 60 "$said"
  exit 1
}

failed=no
expect() { # expect WORDS: a line that must be there
  grep -qF -- "$1" "$said" || { echo "not said: $1"; failed=yes; }
}
expect "Seventeen people are enrolled"
expect "R18 blocked"                          # lymphodepletion while the product is in quarantine
expect "R13 quarantine"
expect "F8a blocked"                          # the neighbour's bag
expect "NOT YET RECORDED"                     # the network is cut
expect "1 sent, 0 adopted, 0 waiting, 0 stuck"
expect "R20 blocked"                          # too late after lymphodepletion
expect "may be granted by PHY"
expect "refused by R04"                       # the same nurse twice
expect "COMPLETE AND UNCHANGED"
expect "DO NOT RELY"                          # one bit changed
expect "TRAINING - NOT FOR PATIENT USE"

# What a station learns it keeps in its own folder: a receipt for every event that it signed.
[ "$(find "$folder/demo/ward/receipts" -type f | wc -l)" -ge 60 ] || { echo "the ward kept too few receipts"; failed=yes; }

for file in bundle.custody.json ledger.trust.json changed.custody.json; do
  [ -s "$folder/demo/$file" ] || { echo "not left behind: $file"; failed=yes; }
done
cmp -s "$folder/demo/bundle.custody.json" "$folder/demo/changed.custody.json" &&
  { echo "the changed bundle is not changed"; failed=yes; }

PATH=$1:$PATH
custody-audit verify "$folder/demo/bundle.custody.json" --trust "$folder/demo/ledger.trust.json" >"$folder/verified.txt" ||
  { echo "the bundle does not verify:"; cat "$folder/verified.txt"; failed=yes; }
if pgrep -f -- "--dir $folder/demo/ledger" >/dev/null; then echo "a server was left running"; failed=yes; fi
[ "$failed" = no ]
