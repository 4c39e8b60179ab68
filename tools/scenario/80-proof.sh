# What remains: one file, and anybody can check it, with no server.

# flip_a_bit FROM TO: changes one bit of one letter in the signed payload of the harvest; says where.
flip_a_bit() {
  local line text place letter flipped code
  cp "$1" "$2"
  line=$(grep -bm 1 "\"harvested\":{\"lot\":\"$LOT\"" "$1")
  text=${line#*:}
  text=${text%%'"payload"'*}
  place=$((${line%%:*} + ${#text} + 300))
  while :; do
    place=$((place + 1))
    letter=$(dd if="$1" bs=1 skip="$place" count=1 status=none)
    printf -v code '%o' "$(($(printf '%d' "'$letter") ^ 1))"
    # shellcheck disable=SC2059 # the format is the letter's octal code
    flipped=$(printf "\\$code")
    if [[ $letter$flipped =~ ^[A-Za-z0-9]{2}$ ]]; then break; fi
  done
  printf '%s' "$flipped" | dd of="$2" bs=1 seek="$place" conv=notrunc status=none
  echo "In the record of the harvest the letter $letter at byte $place became $flipped."
}

title "12. The proof"
say "The therapy's whole record with all its proofs is one file."
therapy=$(custody-clinic --json show "$COI" | grep -o '"therapy":"[A-Z2-7]*"' | head -n 1 | cut -d'"' -f4)
run custody-audit export "$therapy" --folder "$WARD" -o "$DEMO/bundle.custody.json"
stop_server
say "The server is stopped. From here on there is only this file and the ledger's trust anchor."
run custody-audit timeline "$DEMO/bundle.custody.json" --trust "$DEMO/ledger.trust.json"
say "Somebody changes a single bit in a copy."
say "$(flip_a_bit "$DEMO/bundle.custody.json" "$DEMO/changed.custody.json")"
refused 1 custody-audit verify "$DEMO/changed.custody.json" --trust "$DEMO/ledger.trust.json"

title "13. What is where"
say "$DEMO/bundle.custody.json   the therapy with all its proofs; whoever may see her record can check it"
say "$DEMO/ledger.trust.json     whom to trust: the ledger's keys, from the trustees"
say "$DEMO/changed.custody.json  the copy with one bit changed"
say "$DEMO/ledger                the server's data;  $DEMO/server.log  its log"
say "$DEMO/ward, $DEMO/bench     the two stations: keys, receipts, outbox"
say "$DEMO/alerts.jsonl          the alerts that were handed out"
say "$DEMO/papers                what was attached"
say "Look around: play it with --serve, then CUSTODY_STATION=$DEMO/ward CUSTODY_PINS=$DEMO/pins custody-clinic board"
say "$((SECONDS - started)) seconds, sixteen weeks. And the last thing is what a hospital would do in thirty years:"
run custody-audit verify "$DEMO/bundle.custody.json" --trust "$DEMO/ledger.trust.json"
