# Reads a temperature logger's file and prints what it says as fields of telemetry_batch: when, how many
# readings, extremes, mean kinetic temperature, gaps of more than three intervals, and every stretch
# outside [lowest, highest]. The station attaches the file itself; this is only its summary.
#
#   TZ=UTC LC_ALL=C awk -v lowest=2 -v highest=8 -f logger.awk FILE

function seconds(text) {  # "2026-01-05 14:00:00", UTC
  gsub(/[-:]/, " ", text)
  return mktime(text)
}
function instant(at) { return strftime("%Y-%m-%dT%H:%M:%SZ", at) }
function ended(until) {
  if (outside_from == "") return
  excursions = excursions (excursions == "" ? "" : ", ") sprintf("{\"from\": \"%s\", \"duration_ms\": %d, " \
    "\"extreme_temperature_centi_c\": %d, \"limit_temperature_centi_c\": %d, \"channel\": \"inner\"}",
    instant(outside_from), (until - outside_from) * 1000, extreme, limit)
  outside_from = ""
}

BEGIN { FS = ";" }
$1 == "Interval" { interval = $2 }
/^[0-9]/ {
  at = seconds($1)
  centi = int($2 * 100 + ($2 < 0 ? -0.5 : 0.5))
  if (count++ == 0) { first = at; low = high = centi; low_ambient = high_ambient = int($3 * 100) }
  if (centi < low) low = centi
  if (centi > high) high = centi
  if ($3 * 100 < low_ambient) low_ambient = int($3 * 100)
  if ($3 * 100 > high_ambient) high_ambient = int($3 * 100)
  if (count > 1 && at - last > 3 * interval) {
    gaps = gaps (gaps == "" ? "" : ", ") sprintf("{\"from\": \"%s\", \"duration_ms\": %d}",
      instant(last), (at - last) * 1000)
  }
  too_cold = lowest != "" && $2 < lowest + 0
  too_warm = highest != "" && $2 > highest + 0
  if (too_cold || too_warm) {
    if (outside_from == "") {
      outside_from = at
      extreme = centi
      limit = (too_warm ? highest : lowest) * 100
    }
    if (too_warm && centi > extreme || too_cold && centi < extreme) extreme = centi
  } else {
    ended(at)
  }
  arrhenius += exp(-10000 / ($2 + 273.15))  # activation energy 83.144 kJ/mol
  last = at
}
END {
  ended(last)
  mean = 10000 / -log(arrhenius / count) - 273.15
  printf "\"from\": \"%s\", \"to\": \"%s\", \"readings\": %d, \"interval_ms\": %d, ", instant(first),
    instant(last), count, interval * 1000
  printf "\"min_temperature_centi_c\": %d, \"max_temperature_centi_c\": %d, ", low, high
  printf "\"mkt_temperature_centi_c\": %d, ", int(mean * 100 + (mean < 0 ? -0.5 : 0.5))
  printf "\"min_ambient_centi_c\": %d, \"max_ambient_centi_c\": %d", low_ambient, high_ambient
  if (gaps != "") printf ", \"gaps\": [%s]", gaps
  if (excursions != "") printf ", \"excursions\": [%s]", excursions
  printf "\n"
}
