# Days 29 to 31: the product comes back too warm, is held, and quality decides.

title "5. The way back"
at 29 15:00 "Packed in a dry shipper with liquid nitrogen, below -180 degrees."
outbound() {
  packed "WH-BRANDT:WH WH-COSTA:WH" outbound "$BAG" "SHP-09-$NO" dry-vapour "LOG-88-$NO" "SEAL-66-$NO" -186.0 240 CLINIC \
    '"ln2_charge_kg": 11.5'
  handed WH-BRANDT:WH "SHP-09-$NO" "SEAL-66-$NO" "AWB-2-$NO" "Plant One, dock 4"
  underway WH-BRANDT:WH "SHP-09-$NO" hub-arrived "EXE hub"
}
both outbound | lab_lines
at 30 10:00 "It arrives at the clinic: seal intact, everything inside as packed. It goes into the tank."
both received_at_clinic | clinic_lines

at 30 10:20 "Then the pharmacist reads the logger out."
patient A
file=$(logger_file outbound "LOG-88-$NO" "$(moment 29 15:00)")
sed -n 's/,[^,]*,[^,]*,[^,]*$//; 1,8p; 64,72p' "$file" | sed 's/^/     /'
run custody-clinic record telemetry_batch --as PH-KLEIN:PHARM --therapy "$COI" --logger-file "$file" \
  --logger "LOG-88-$NO" --shipper "SHP-09-$NO" --calibration-until "$(date_of 250)" --complete yes
say "A fact is always recorded, however bad. This one puts the bag in quarantine by itself."

title "6. A step that needs permission is refused"
at 31 08:00 "Lymphodepletion, the chemotherapy that makes room for the cells, was planned for today."
ld_started() { # HOW: run, quiet, refused 1
  "$@" custody-clinic record ld_started --as DR-HOLM:PHY:ORDERED --therapy "$COI" --course 1 --started-at now \
    --regimen 'fludarabine 30 and cyclophosphamide 300 mg/m2, three days' --planned-days 3 --bsa-m2 1.8 --weight-kg 70.5 \
    --serious-bridging-reaction no --active-infection no --active-gvhd no --coi "$COI" \
    --wristband "mrn:HOSPITAL:$MRN" --wristband "dob::$DOB"
}
ld_started refused 1
say "Nothing was recorded and nothing was given. Nobody may override a quarantine: the physician waits for those"
say "who can decide about the bag."

at 31 13:00 "Quality of the manufacturer compares the curve with the stability data, and decides."
paper stability-0107.txt "Stability report SR-31: 4 h above -130 degrees, below -90 degrees, without effect." >/dev/null
run custody-lab record quarantine_decided --as QA-STERN:QA:APPROVED --therapy "$COI" --containers "$BAG" \
  --verdict use --cause temperature --reason '60 min above -130 degrees, warmest -108.6: covered by stability report SR-31' \
  --assessment "@$PAPERS/stability-0107.txt"
at 32 08:00 "Now the same step is permitted."
ld_started quiet
say "RECORDED: lymphodepletion started."
doses() {
  e ld_dose RN-ADLER:RN <<EOF
"course": "1", "day": $1, "given_at": "now", "coi": "$COI", "wristband": [$WRISTBAND], "drugs": [
{"drug": "fludarabine", "amount": 54, "unit": "mg", "route": "IV"}, {"drug": "cyclophosphamide", "amount": 540, "unit": "mg", "route": "IV"}]
EOF
}
for day in 1 2 3; do
  at "$((31 + day))" 10:00 "Lymphodepletion, dose $day of 3."
  doses "$day" | clinic_lines
done
e ld_completed DR-HOLM:PHY <<EOF | clinic_lines
"course": "1", "last_dose_at": "now", "doses_given": 3, "as_planned": "yes", "coi": "$COI"
EOF
at 34 15:00 "Fourteen days of culture are over: nothing grew. What was negative to date is final, for both."
both final_sterility | lab_lines
