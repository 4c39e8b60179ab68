# The words the acts are written in. Sourced by tools/demo; DEMO is the folder everything lies in.

ADMIN=$DEMO/admin
WARD=$DEMO/ward          # station folder of the clinic
BENCH=$DEMO/bench        # station folder of the lab
PINS=$DEMO/pins
DATA=$DEMO/ledger
PAPERS=$DEMO/papers      # what people attach: consent, certificates, files of loggers

title() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
say() { printf '   %s\n' "$*"; }

# typed COMMAND...: the command as a person would type it, on lines that fit a screen.
typed() {
  local word line='$' broken=''
  for word in "$@"; do
    if [[ ! $word =~ ^[A-Za-z0-9_./:=@,+-]+$ ]]; then word="'$word'"; fi
    if [ $((${#line} + ${#word})) -gt 108 ]; then
      broken+="$line \\"$'\n'
      line='     '
    fi
    line+=" $word"
  done
  printf '\033[2m%s\033[0m\n' "$broken$line"
}

# run COMMAND...: prints what is run, and what it says.
run() {
  typed "$@"
  "$@" </dev/null
}

# quiet COMMAND...: shows output only when the command fails.
quiet() {
  if ! "$@" >"$DEMO/last.log" 2>&1; then
    echo "demo: this failed: $*" >&2
    cat "$DEMO/last.log" >&2
    exit 1
  fi
}

# refused CODE COMMAND...: the command must fail with exit code CODE; its words are shown.
refused() {
  local want=$1 code=0
  shift
  typed "$@"
  "$@" </dev/null || code=$?
  if [ "$code" != "$want" ]; then
    echo "demo: expected exit code $want, found $code" >&2
    exit 1
  fi
  say "(exit code $code, as it must be)"
}

# The stations' programs: each works in its own folder and finds its people's PINs in one place, so
# that a demonstration need not ask. Real people type their PIN.
custody-clinic() { CUSTODY_STATION=$WARD CUSTODY_PINS=$PINS command custody-clinic "$@"; }
custody-lab() { CUSTODY_STATION=$BENCH CUSTODY_PINS=$PINS command custody-lab "$@"; }

# clinic_lines, lab_lines: many events at once, JSON lines on standard input.
clinic_lines() { quiet custody-clinic record --file -; }
lab_lines() { quiet custody-lab record --file -; }

pin() { # pin PERSON: makes a passphrase file
  (umask 077 && mkdir -p "$PINS" && printf 'demo-%s-passphrase\n' "$1" >"$PINS/$1.pin")
}

# paper NAME TEXT...: a document to be attached; prints its path.
paper() {
  local name=$1
  shift
  mkdir -p "$PAPERS"
  printf '%s\n' "TRAINING - NOT FOR PATIENT USE" "$@" >"$PAPERS/$name"
  echo "$PAPERS/$name"
}

# logger_file KIND SERIAL FIRST: a logger's file as its maker writes it (KIND.csv), with the serial and
# times of this run; prints its path.
logger_file() {
  mkdir -p "$PAPERS"
  sed "s/@SERIAL@/$2/" "tools/scenario/$1.csv" |
    TZ=UTC LC_ALL=C awk -v start="$(date -d "$3" +%s)" '
      /^[0-9]/ {
        cell = $0
        sub(/[;,].*/, "", cell)
        dotted = cell ~ /[.]/
        split(cell, t, /[^0-9]+/)
        date = dotted ? t[3] " " t[2] " " t[1] : t[1] " " t[2] " " t[3]
        time = mktime(date " " t[4] " " t[5] " " t[6])
        if (first == "") first = time
        shown = strftime(dotted ? "%d.%m.%Y %H:%M:%S" : "%Y-%m-%dT%H:%M:%SZ", time - first + start)
        $0 = shown substr($0, length(cell) + 1)
      }
      { print }' >"$PAPERS/$2.csv"
  echo "$PAPERS/$2.csv"
}

admin() { quiet custody-admin "$@"; }

start_server() {
  : >"$DEMO/server.out"  # here: what the last server said is not to be taken for this one's word
  custody-server --config "$DEMO/server.toml" --dir "$DATA" --listen "$ADDRESS" >"$DEMO/server.out" 2>>"$DEMO/server.log" &
  server_pid=$!
  for _ in $(seq 200); do
    if grep -q '^listening on' "$DEMO/server.out"; then return; fi
    if ! kill -0 "$server_pid" 2>/dev/null; then break; fi
    sleep 0.05
  done
  echo "demo: the server did not start:" >&2
  cat "$DEMO/server.log" >&2
  exit 1
}

# who_is_told: the server's settings, in which alerts go to a file; a hospital names its pagers.
who_is_told() {
  cat >"$DEMO/server.toml" <<EOF
[[alerts.recipient]]
name = "file"
program = ["/usr/bin/tee", "-a", "$(cd "$DEMO" && pwd)/alerts.jsonl"]

[[alerts.list]]
site = "CLINIC"
tell = ["file"]

[[alerts.list]]
site = "PLANT"
tell = ["file"]
EOF
}

# told RULE: waits until an alert of this rule was handed out, and shows the message.
told() {
  for _ in $(seq 200); do
    if grep -q "\"rule\":\"$1\"" "$DEMO/alerts.jsonl"; then break; fi
    sleep 0.05
  done
  grep -m 1 "\"rule\":\"$1\"" "$DEMO/alerts.jsonl" | sed 's/,"/,\n     "/g'
}

stop_server() {
  [ -n "$server_pid" ] || return 0
  kill -TERM "$server_pid"
  wait "$server_pid" || true
  server_pid=
}

# move_clock TIME: the demo ledger's clock, forwards only.
move_clock() {
  quiet custody-admin clock --folder "$ADMIN" --set "$1"
}

# Day 0 is the day of the founding, where the clinic is. ZONE is the crew's.
day_zero() { DAY0=$(TZ=$ZONE date +%F); }

# moment DAY HH:MM: that time, with its zone; date_of DAY: that day.
moment() { TZ=$ZONE date -d "$DAY0 + $1 days $2" +%FT%T%:z; }
date_of() { TZ=$ZONE date -d "$DAY0 + $1 days 12:00" +%F; }

# at DAY HH:MM WORDS...: lets the ledger's time pass until then.
at() {
  move_clock "$(moment "$1" "$2")"
  printf '\n\033[1m   Day %s, %s\033[0m  %s\n' "$1" "$2" "${*:3}"
}

trap 'stop_server' EXIT
