# Days 42 to 112: cytokine release syndrome is graded and treated; then home, and the visits.

title "11. The first weeks after"
# observed AGO TEMPERATURE SYSTOLIC DIASTOLIC HEART BREATHS SPO2 [MORE]: one reading.
observed() {
  printf '{"vitals": {"at": "%s", "temperature_c": %s, "systolic_mmhg": %s, "diastolic_mmhg": %s, ' "$1" "$2" "$3" "$4"
  printf '"heart_rate": %s, "respiratory_rate": %s, "spo2_percent": %s}%s}' "$5" "$6" "$7" "${8:+, $8}"
}
shift_of() { # NURSE READINGS
  e observations_recorded "$1:RN" <<EOF
"observations": [$2], "interval_minutes": 240, "source": "monitor", "coi": "$COI"
EOF
}
ice() { # TOTAL ATTENTION
  e ice_recorded RN-SATO:RN <<EOF
"at": "now", "orientation": 4, "naming": 3, "command": 1, "writing": 1, "attention": $2, "total": $1,
"consciousness": "spontaneously", "seizure": "SEIZURE_NONE", "motor": "normal", "oedema": "OEDEMA_NONE", "coi": "$COI"
EOF
}
labs() { # CRP FERRITIN IL6 [HAEMOGLOBIN LEUKOCYTES NEUTROPHILS PLATELETS]: low, where nothing is said
  e daily_labs LA-MEYER:LAB <<EOF
"sampled_at": "-2h", "blood_count": "yes", "chemistry": "yes", "coagulation": "yes", "haemoglobin_g_per_dl": ${4:-9.4},
"wbc_1e9_per_l": ${5:-0.6}, "anc_1e9_per_l": ${6:-0.3}, "platelets_1e9_per_l": ${7:-62}, "crp_mg_per_l": $1, "ferritin_ug_per_l": $2,
"il6_ng_per_l": $3, "coi": "$COI"
EOF
}
graded() { # GRADE MAX MORE
  e crs_graded DR-HOLM:PHY <<EOF
"at": "now", "grade": $1, "max_grade": $2, "coi": "$COI", $3
EOF
}
examined() { # FINDING
  e daily_exam DR-HOLM:PHY <<EOF
"examined_at": "now", "finding": "$1", "in_hospital": "yes", "weight_kg": 70.0, "coi": "$COI"
EOF
}

at 43 18:00 "Day 1 after infusion: quiet. A shift's readings are signed once."
{
  shift_of RN-ADLER "$(observed -8h 36.9 116 72 84 16 98), $(observed -4h 37.2 114 70 88 16 97), $(observed now 37.4 112 70 92 17 97)"
  ice 10 1
  labs 14 610 21
  examined "well"
} | clinic_lines
at 45 20:00 "Day 3: fever. The grade is computed from what was measured and attested by the physician: 1."
{
  shift_of RN-SATO "$(observed -4h 37.6 110 68 98 18 96), $(observed -1min 38.9 104 62 112 20 95 '"symptoms": ["chills", "fatigue"]')"
  labs 71 2400 480
  graded 1 1 '"onset_at": "-30min", "hypotension": "no", "oxygen": "O2_NONE"'
} | clinic_lines
say "The first fever is an alert to the physician until somebody says that they act on it."
say "The server handed it out at once; no name, no word of hers is in it:"
told R43
alert=$(custody-clinic --json next "$COI" | grep -o 'A-[0-9a-f]\{8\}-R43' | head -n 1)
run custody-clinic record alert_acknowledged --as DR-HOLM:PHY --therapy "$COI" --alert "$alert" \
  --action 'seen at the bedside, cultures taken'
run custody-admin alert list --site CLINIC --folder "$ADMIN"
at 46 03:00 "Blood pressure falls and she needs a little oxygen: grade 2."
{
  shift_of RN-SATO "$(observed -5min 39.4 86 48 124 24 90 '"oxygen": "low-flow", "oxygen_flow_l_per_min": 2, "hypotension": "yes", "symptoms": ["chills", "muscle-pain"]')"
} | clinic_lines
run custody-clinic record crs_graded --as DR-HOLM:PHY --therapy "$COI" --set at=now --computed-grade 2 --grade 2 --max-grade 2 \
  --onset-at "$(moment 45 19:30)" --hypotension yes --oxygen low-flow --coi "$COI"
treated() { # TREATMENT FIELDS
  e ae_treatment_given RN-SATO:RN <<EOF
"treatment": "$1", "given_at": "now", "against": "crs", "grade": 2, "coi": "$COI"${2:+, $2}
EOF
}
{
  treated fluids
  treated oxygen
  treated tocilizumab '"drug": "tocilizumab", "amount_mg": 560, "weight_kg": 70, "dose_number": 1'
} | clinic_lines
say "Fluids, oxygen and 8 mg/kg of tocilizumab, the first of at most four doses."
at 47 09:00 "It works: no fever, pressure and oxygen back. The syndrome has ended."
{
  shift_of RN-ADLER "$(observed -6h 37.8 106 64 96 18 96), $(observed now 36.9 114 70 86 16 97)"
  ice 10 1
  labs 38 1900 1200
  graded 0 2 "\"onset_at\": \"$(moment 45 19:30)\", \"resolved_at\": \"now\", \"hypotension\": \"no\", \"masked\": \"yes\", \"oxygen\": \"O2_NONE\""
  examined "recovering"
} | clinic_lines
for day in 49 52 55; do
  at "$day" 09:00 "Day $((day - 42)): readings, blood and examination, nothing remarkable."
  {
    shift_of RN-ADLER "$(observed -4h 36.7 118 72 80 15 98), $(observed now 36.8 120 74 78 15 98)"
    ice 10 1
    labs 11 820 30
    examined "well"
  } | clinic_lines
done

at 56 11:00 "Day 14: home, with a wallet card and the order to stay near and not to drive."
e discharged DR-HOLM:PHY <<EOF | clinic_lines
"discharged_at": "now", "day": 14, "condition": "good", "crs_resolved": "yes", "icans_resolved": "yes",
"against_advice": "no", "driving_instructions": "yes", "proximity_instructions": "yes", "wallet_card": "yes",
"return_instructions": "yes", "coi": "$COI"
EOF
at 70 10:00 "Day 28: the image shows a partial response, and her blood is back."
labs 3 180 4 11.6 4.1 2.3 164 | clinic_lines
e followup_d28 DR-HOLM:PHY <<EOF | clinic_lines
"seen_at": "now", "vital_status": "alive", "imaging_done": "yes", "response": "partial", "crs_max_grade": 2,
"icans_max_grade": 0, "toxicity_open": "no", "cytopenia_grade": 1, "car_copies_per_ul": 42, "coi": "$COI"
EOF
at 112 10:00 "Sixteen weeks: the visit after two to three months. The lymphoma cannot be found any more."
e followup_m23 DR-HOLM:PHY <<EOF | clinic_lines
"seen_at": "now", "vital_status": "alive", "response": "complete", "persistence": "qpcr-positive", "car_copies_per_ul": 9,
"b_cell_aplasia": "yes", "igg_g_per_l": 4.1, "infections": "no", "second_cancer": "no", "cytopenia_grade": 0, "coi": "$COI"
EOF
run custody-clinic board
say "Hers is done. The neighbour's product still waits in the tank, and the board says what is late for it."
