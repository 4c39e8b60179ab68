# Days 9 to 28: the lab turns the cells into a product, tests it and releases it.

title "4. Manufacture"
at 9 13:00 "The shipper arrives. Seal, shipper and bag are compared with what was packed; the logger is read."
arrival() {
  received_at_plant
  readout WH-BRANDT:WH "$(logger_file inbound "LOG-77-$NO" "$(moment 8 15:00)")" "LOG-77-$NO" "SHP-04-$NO"
}
both arrival | lab_lines
at 9 15:00 "Fit to use. A batch is opened, T cells are selected and activated."
both accepted | lab_lines
at 10 15:00 "A vector brings in the gene of the receptor. Operator and witness sign."
both transduced | lab_lines

say "Machines write JSON lines. A week of culture checks of both batches goes in like this:"
cultures() { # DAY DENSITY TOTAL VIABILITY GLUCOSE LACTATE PH, a check a day
  at "$((9 + $1))" 08:00 "Culture day $1: $3 million living cells, $4 % of all."
  if [ "$1" != 3 ]; then
    both culture "$@" | lab_lines
    return
  fi
  patient B
  culture "$@" | lab_lines
  patient A
  culture "$@" >"$DEMO/culture.jsonl"
  run custody-lab record --file "$DEMO/culture.jsonl"
}
cultures 3 0.7 160 88 9.8 3.1 7.3
cultures 5 1.6 410 91 8.1 6.4 7.2
cultures 7 3.9 980 93 7.2 9.0 7.1
cultures 9 9.6 2400 94 6.5 11.2 7.1

at 19 09:00 "Harvested, formulated, filled into one bag, and frozen."
both harvested | lab_lines
at 19 11:00 "The freezer's curve is attached by its hash."
both frozen | lab_lines
both put_away | lab_lines

at 27 10:00 "Nine test results of the lot, and of its neighbour's."
both results | lab_lines
say "May it be released? Not yet, and the lab is told exactly why:"
patient A
refused 1 custody-lab why "$COI" released
at 28 09:00 "Sterility is negative to date, and quality has reviewed the batch record."
say "Now the qualified person, who neither made nor tested it, releases it. So does the neighbour's."
both sterility | lab_lines
both reviewed | lab_lines
patient B
released | lab_lines
patient A
released >"$DEMO/release.jsonl"
run custody-lab record --file "$DEMO/release.jsonl"
