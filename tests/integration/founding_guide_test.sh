#!/bin/bash
# founding_guide_test.sh BIN: runs the commands of tools/admin/FOUNDING.md as they stand, on a free port.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
server=
# shellcheck disable=SC2329  # called by the trap
ended() {
  if [ -n "$server" ] && kill -TERM "$server" 2>/dev/null; then wait "$server" 2>/dev/null || true; fi
  rm -rf "$folder"
}
trap ended EXIT

export PATH=$1:$PATH CUSTODY_SOURCE=$root CUSTODY_PINS=$folder/pins
(umask 077 && mkdir "$CUSTODY_PINS")
for person in authority T-1 T-2 T-3 T-4 REG-1 REG-2 DR-HOLM RN-ADLER RN-SATO; do
  (umask 077 && printf 'rehearsal-%s-passphrase\n' "$person" >"$CUSTODY_PINS/$person.pin")
done
port=$((20000 + RANDOM % 20000))
while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done

# The server goes to the background by itself, and is waited for: a person would see it listening.
awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' "$root/tools/admin/FOUNDING.md" |
  sed "s/127\.0\.0\.1:8443/127.0.0.1:$port/g" |
  sed 's/^\(custody-server .*\) &$/\1 >server.out 2>server.log \& server=$!\
for _ in $(seq 200); do grep -q "^listening on" server.out \&\& break; sleep 0.05; done/' >"$folder/commands.sh"
grep -q 'custody-server' "$folder/commands.sh" || { echo "no commands were found in FOUNDING.md"; exit 1; }
cd "$folder"
# shellcheck source=/dev/null
. "$folder/commands.sh" >said.txt 2>&1 </dev/null || { echo "a command of FOUNDING.md failed:"; tail -n 40 said.txt; exit 1; }
for words in "WARD-3" "Patient enrolled" "COMPLETE AND UNCHANGED"; do
  grep -qi -- "$words" said.txt || { echo "not said: $words"; tail -n 40 said.txt; exit 1; }
done
