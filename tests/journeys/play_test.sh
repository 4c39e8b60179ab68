#!/bin/bash
# play_test.sh BIN: plays two journeys into a real server and checks what a person would see.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
said=$folder/said.txt
failed=no

play() { # play NAME OPTIONS...
  BIN=$1 "$root/tools/play" "$2" --folder "$folder/play" "${@:3}" >"$said" 2>&1 </dev/null || {
    echo "tools/play $2 ended with exit code $?:"
    tail -n 60 "$said"
    exit 1
  }
}
expect() { # expect WORDS: a line that must be there
  grep -qF -- "$1" "$said" || { echo "not said: $1"; failed=yes; }
}

# Nothing out of the ordinary.
play "$1" normal_course
expect "TRAINING - NOT FOR PATIENT USE"
expect "Patient enrolled: at CLINIC"
expect "as many receipts verified and kept"
expect "Follow-up month 2 to 3: alive"
expect "COMPLETE AND UNCHANGED"
expect "0 overrides, 0 open deviations"
expect "The timeline is the expected one"
if grep -qF REFUSED "$said"; then echo "the normal course was refused something"; failed=yes; fi

# What must be refused is, and said why; the server stays, and the programs see where it stopped.
play "$1" late_infusion_by_grant --to thaw_completed --keep
server=$(sed -n 's/.*Stop it with: kill \([0-9][0-9]*\)$/\1/p' "$said")
[ -n "$server" ] || { echo "not said how to stop the server"; exit 1; }
trap 'kill "$server" 2>/dev/null; rm -rf "$folder"' EXIT
expect "REFUSED, as it must be"
expect "R20 blocked"
expect "Override granted"
cp "$said" "$folder/played.txt"
"$1/custody-clinic" show T1 --folder "$folder/play/clinic.station.1" >"$said" 2>&1 ||
  { echo "the therapy cannot be shown:"; cat "$said"; failed=yes; }
expect "LOT26001-1"
"$1/custody-clinic" next T1 --folder "$folder/play/clinic.station.1" >"$said" 2>&1 ||
  { echo "nothing comes next:"; cat "$said"; failed=yes; }
expect "bedside"
kill "$server"
tail --pid="$server" -f /dev/null
trap 'rm -rf "$folder"' EXIT
[ "$failed" = no ]
