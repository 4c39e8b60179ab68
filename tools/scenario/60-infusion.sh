# Days 36 to 42: an infection delays the infusion; then the right bag meets the right patient.

title "7. Infusion, eight days after chemotherapy instead of two"
screened() { # TEMPERATURE CRP ACTIVE [MORE]
  e infection_screened_pre DR-HOLM:PHY <<EOF
"temperature_c": $1, "crp_mg_per_l": $2, "cultures_taken": "yes", "active_infection": "$3", "antiviral_prophylaxis": "yes",
"coi": "$COI", "wristband": [$WRISTBAND]${4:+, $4}
EOF
}
at 36 08:00 "Infusion was planned for today, but the screen finds a pneumonia. That sets a clinical hold by itself."
screened 38.6 94 yes '"infection": "pneumonia"' | clinic_lines
at 42 07:30 "Six days of antibiotics later she is well. The physician screens again and clears the hold."
screened 36.7 9 no | clinic_lines
hold=$(custody-clinic --json show "$COI" | grep -o 'H-[0-9a-f]\{8\}' | head -n 1)
e hold_cleared DR-HOLM:PHY:APPROVED <<EOF | clinic_lines
"hold": "$hold", "kind": "clinical", "reason": "pneumonia treated, no fever for three days"
EOF
e preinfusion_check_passed DR-HOLM:PHY <<EOF | clinic_lines
"go": "yes", "tocilizumab_doses": 2, "next_dose_within_8h": "yes", "emergency_kit": "yes", "weight_kg": 70.2,
"pregnancy": "not-relevant", "consent_valid": "yes", "active_infection": "no", "unresolved_toxicity": "no",
"cns_concern": "no", "line_patent": "yes", "coi": "$COI", "wristband": [$WRISTBAND]
EOF
e infusion_ordered "DR-HOLM:PHY:ORDERED PH-KLEIN:PHARM:VERIFIED" <<EOF | clinic_lines
"order": "$INFUSION", "lot": "$LOT", "dose_number": 1, "planned_at": "$(moment 42 09:30)", "certificate": "$CERTIFICATE",
"containers": [{"container": "$BAG", "place": 1, "planned_dose_1e6": $DOSE_1E6, "planned_volume_ml": 68, "whole": "yes"}],
"observation_plan": "inpatient", "coi": "$COI", "wristband": [$WRISTBAND]
EOF
say "Pre-infusion check passed; infusion ordered by the physician and verified by the pharmacist."

at 42 08:30 "Before anything is thawed two people compare bag, cassette, certificate, order and patient."
say "The neighbour's bag hangs beside the right one in the tank, and is the one that is taken out:"
prethaw() { # BAG CASSETTE HOW
  local check="\"container\": \"$1\", \"cassette\": \"$2\", \"certificate\": \"$CERTIFICATE\", \"order\": \"$INFUSION\", \"coi\": \"$COI\""
  e prethaw_id_verified "CL-NOVAK:CELL_LAB RN-SATO:RN" >"$DEMO/before-thaw.jsonl" <<EOF
"checks": [{$check, "all_agree": "yes"}, {$check, "all_agree": "yes"}], $check, "confirmed_by": "ward",
"ward_person": "RN-ADLER", "ward_scanned_at": "-10min", "patient_ready": "yes"
EOF
  "${@:3}" custody-clinic record --file "$DEMO/before-thaw.jsonl"
}
prethaw EX19-0108-01 CS-0108 refused 1
say "Never overridable. Nothing was opened, so it is a near miss: recorded for both patients, freezing neither."
near_miss() { # PRESENTED EXPECTED
  e wrong_item_presented CL-NOVAK:CELL_LAB <<EOF
"at_step": "prethaw_id_verified", "presented_type": "container", "presented": "$1", "expected": "$2", "place": "TANK-2",
"nothing_done": "yes"
EOF
}
patient B
near_miss "$BAG" "EX19-0107-01" | clinic_lines
patient A
run custody-clinic record wrong_item_presented --as CL-NOVAK:CELL_LAB --therapy "$COI" --at-step prethaw_id_verified \
  --presented-type container --presented EX19-0108-01 --expected "$BAG" --place TANK-2 --nothing-done yes
say "Then the right bag."
prethaw "$BAG" "$CASSETTE" quiet
say "RECORDED: identity verified before thaw."

title "8. The network fails on the ward"
at 42 08:40 "The server is stopped. The nurse gives the premedication and signs, as always."
quiet custody-clinic next "$COI"
stop_server
refused 3 custody-clinic record prophylaxis_given --as RN-ADLER:RN --therapy "$COI" --kind premedication --given-at now \
  --drugs.0.drug paracetamol --drugs.0.amount 1000 --drugs.0.unit mg --drugs.0.route oral \
  --drugs.1.drug diphenhydramine --drugs.1.amount 25 --drugs.1.unit mg --drugs.1.route IV --coi "$COI"
run custody-clinic outbox list
start_server
say "The network is back."
run custody-clinic outbox send

title "9. Too late, and who may permit it"
at 42 09:00 "The bag shall leave the tank. But the last chemotherapy was eight days ago; the limit is seven."
removal() { # GRANT HOW
  "${@:2}" custody-clinic record removed_from_storage --as PH-KLEIN:PHARM --as CL-NOVAK:CELL_LAB --therapy "$COI" --container "$BAG" \
    --coi "$COI" --position "TANK-2/C/$NO" --certificate "$CERTIFICATE" --certificate-matches yes --removed-at now \
    --temperature-centi-c '-187.0 Cel' ${1:+--grant "$1"}
}
removal "" refused 1
say "The rule says who may override it. The physician does so in an event of its own: one rule, one bag, four hours."
run custody-clinic record override_granted --as DR-HOLM:PHY:APPROVED --therapy "$COI" --rules R20 --container "$BAG" \
    --scope container --reason infection-delay --expires-at +4h --verbal no \
    --justification 'Pneumonia from day 2 to day 8, now treated; benefit outweighs a repeated lymphodepletion' | tee "$DEMO/granted.txt"
grant=$(sed -n 's/^ *event id //p' "$DEMO/granted.txt")
say "The steps that use it cite its event id, so that everybody sees it afterwards."
removal "$grant" run
at 42 09:05 "Thawed at the bedside: from here minutes count."
quiet custody-clinic record thaw_started --as CL-NOVAK:CELL_LAB --therapy "$COI" --container "$BAG" --device THAW-1 \
  --device-temperature-c 37 --started-at now --patient-ready-again yes --grant "$grant"
at 42 09:09 "Thaw completed; the clock of the profile's window runs."
e thaw_completed CL-NOVAK:CELL_LAB <<EOF | clinic_lines
"container": "$BAG", "ended_at": "now", "duration_seconds": 210, "clumps": "no", "leak": "no", "appearance": "clear, no clumps"
EOF

title "10. The bedside"
at 42 09:14 "Two people check wristband, bag, certificate and order, each for themselves. One nurse tries it twice."
bedside() { # "SIGNERS" HOW
  local scans="\"wristband\": [$WRISTBAND], \"container\": \"$BAG\", \"coi\": \"$COI\", \"cassette\": \"$CASSETTE\", \"certificate\": \"$CERTIFICATE\", \"order\": \"$INFUSION\""
  e bedside_id_verified "$1" >"$DEMO/bedside.jsonl" <<EOF
"checks": [{$scans, "all_agree": "yes"}, {$scans, "all_agree": "yes"}], $scans, "passed": "yes",
"time_out": {"at": "now", "patient_states_identity": "yes", "physician_go": "yes", "physician": "DR-HOLM",
"emergency_drugs": "yes", "tocilizumab_at_hand": "yes", "active_infection": "no", "unresolved_toxicity": "no",
"minutes_left": 25, "vitals": {"at": "-5min", "temperature_c": 36.8, "systolic_mmhg": 118, "diastolic_mmhg": 74,
"heart_rate": 82, "respiratory_rate": 16, "spo2_percent": 98}}
EOF
  "${@:2}" custody-clinic record --file "$DEMO/bedside.jsonl"
}
bedside "RN-ADLER:RN RN-ADLER:RN" refused 1
say "A second nurse comes."
bedside "RN-ADLER:RN RN-SATO:RN" run
at 42 09:18 "The infusion starts: wristband, bag and order scanned once more, vital signs as a baseline."
run custody-clinic record infusion_started --as RN-ADLER:RN --therapy "$COI" --container "$BAG" \
  --wristband "mrn:HOSPITAL:$MRN" --wristband "dob::$DOB" --coi "$COI" --order "$INFUSION" --started-at now \
  --baseline.at -5min --baseline.temperature-c 36.8 --baseline.systolic-mmhg 118 --baseline.diastolic-mmhg 74 \
  --baseline.heart-rate 82 --baseline.respiratory-rate 16 --baseline.spo2-percent 98 \
  --line 'central, left' --no-leukoreduction-filter yes --dose-number 1 --grant "$grant"
at 42 09:36 "All 68 mL are in."
e infusion_completed RN-ADLER:RN <<EOF | clinic_lines
"container": "$BAG", "wristband": [$WRISTBAND], "ended_at": "now", "volume_given_ml": 68, "percent_given": 100,
"rinse_volume_ml": 30, "partial": "no", "reaction_grade": 0
EOF
