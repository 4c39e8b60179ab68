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
expect "[R20] overridden by a grant"
expect "Patient enrolled: at CLINIC"          # the timeline, from its first line
expect "CRS graded: grade 2, computed 2, worst so far 2"
expect "tocilizumab, 560 mg"
expect "Follow-up month 2 to 3: alive"        # to its last
expect "DO NOT RELY: event"                   # one bit changed
expect "every recipient of CLINIC took it"
expect '"what":"first fever after the infusion"'
expect "TRAINING - NOT FOR PATIENT USE"

# The changed record, and no other, is found forged.
forged=$(sed -n 's/^  FORGED  event \([0-9]*\) .*/\1/p' "$said" | sort -u | wc -l)
[ "$forged" = 1 ] || { echo "expected one record found forged, found $forged"; failed=yes; }

# The timeline's days, as in "23 Nov 2026": sixteen weeks from the first to the last.
days=$(sed 's/\x1b\[[0-9;]*m//g' "$said" | grep -E '^[0-9]{2} [A-Z][a-z]{2} [0-9]{4}$')
first=$(date -d "$(printf '%s\n' "$days" | head -n 1)" +%s)
last=$(date -d "$(printf '%s\n' "$days" | tail -n 1)" +%s)
weeks=$(((last - first + 43200) / 604800))
[ "$weeks" -ge 15 ] && [ "$weeks" -le 17 ] || { echo "expected sixteen weeks, found $weeks"; failed=yes; }

# What a station learns it keeps in its own folder: a receipt for every event that it signed.
[ "$(find "$folder/demo/ward/receipts" -type f | wc -l)" -ge 60 ] || { echo "the ward kept too few receipts"; failed=yes; }

if grep -E 'Exemplar|4711023|4711032|19680214' "$folder/demo/alerts.jsonl"; then echo "an alert names a patient"; failed=yes; fi

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
