# The steps of one patient's therapy, as JSON lines for `record --file`. Two patients go through
# them: the one whose story is told, and a neighbour whose product must exist and must never meet her.

# What the product's profile calls itself, and its numbers: one dose in one bag, for 71 kg.
PRODUCT=EXC-1
PROFILE=exemplar-cel-demo
PROFILE_VERSION=1
DOSE=2
DOSE_UNIT='10^6/kg'
DOSE_1E6=142

# patient A, patient B: whose steps the functions below write. Scans are as scanners send them:
# ISBT 128 with its data identifiers; facility numbers A9990 to A9999 are set aside for tests.
patient() {
  case "$1" in
    A) NAME="Ada Exemplar" MRN=4711023 DOB=19680214 NO=0107 COI='&/CHA999026000107' DIN='=A99902600010700' ;;
    B) NAME="Bo Exemplar" MRN=4711032 DOB=19710930 NO=0108 COI='&/CHA999026000108' DIN='=A99902600010800' ;;
  esac
  WRISTBAND="\"mrn:HOSPITAL:$MRN\", \"dob::$DOB\""
  ORDER=RX-26-$NO          # the physician's order of the therapy
  SLOT=SLOT-$NO
  LOT=EX19-$NO             # drug product lot, its bag, the bag's cassette and certificate
  BAG=$LOT-01
  CASSETTE=CS-$NO
  CERTIFICATE=RFI-$NO
  INFUSION=IO-26-$NO       # the order of the infusion
}
both() {
  patient B
  "$@"
  patient A
  "$@"
}

# e EVENT "SIGNERS" [GRANT] <<fields: one line for the patient chosen; GRANT is the event id of an override
# that the step uses.
e() {
  printf '{"event": "%s", "therapy": "%s", "signers": ["%s"], %s"fields": {%s}}\n' \
    "$1" "$COI" "${2// /\", \"}" "${3:+\"grants\": [\"$3\"], }" "$(tr '\n' ' ')"
}

enrolment() {
  printf '{"event": "patient_enrolled", "signers": ["CO-BERG:COORD", "RN-SATO:RN"], '
  printf '"identifiers": ["name::%s", %s], "identifiers_again": [%s], ' "$NAME" "$WRISTBAND" "$WRISTBAND"
  printf '"fields": {"birth_year": %s, "coi": "%s"}}\n' "${DOB:0:4}" "$COI"
}

assessment() {
  e eligibility_assessed DR-HOLM:PHY <<EOF
"diagnosis_code": "C83.3", "pathology_confirmed": "yes", "prior_lines": 2, "relapsed_refractory": "yes",
"ecog": 1, "weight_kg": 71, "height_cm": 168, "lvef_percent": 60, "alc_1e9_per_l": 1.1,
"decision": "fit", "coi": "$COI", "wristband": [$WRISTBAND]
EOF
  e cns_evaluated DR-HOLM:PHY <<EOF
"cns_disease_history": "no", "finding": "no sign of disease in the nervous system", "seizure_risk": "low",
"postpone": "no", "coi": "$COI"
EOF
  e consent_obtained DR-HOLM:PHY <<EOF
"document_version": "ICF 3.1", "document": "@$(paper "consent-$NO.txt" "Consent, signed by the patient ($NO)")",
"signed_by": "patient", "consented_at": "-10min", "interpreter": "no", "patient_is_minor": "no",
"purposes": ["collection", "treatment", "data", "long-term-followup"], "coi": "$COI", "wristband": [$WRISTBAND]
EOF
}

order() {
  e therapy_ordered DR-HOLM:PHY <<EOF
"order_number": "$ORDER", "product": "$PRODUCT", "indication": "C83.3", "jurisdiction": "DEMO",
"profile": "$PROFILE", "profile_version": $PROFILE_VERSION, "treating_site": "CLINIC", "collecting_site": "CLINIC",
"manufacturing_site": "PLANT", "observation_plan": "inpatient", "coi": "$COI",
"prescription": "@$(paper "order-$NO.txt" "Order $ORDER: $PRODUCT")"
EOF
}

slot() {
  e slot_reserved SC-WEISS:SCHED <<EOF
"slot": "$SLOT", "apheresis_at": "$(moment 8 09:00)", "pickup_at": "$(moment 8 15:30)",
"manufacturing_start": "$(moment 9 13:00)", "manufacturing_site": "PLANT",
"expected_delivery": "$(moment 30 10:00)", "coi": "$COI"
EOF
}

workup() {
  e idm_sampled RN-SATO:RN <<EOF
"sample": "IDM-$NO", "sampled_at": "-2h", "markers": ["hiv", "hbv", "hcv", "syphilis"],
"laboratory": "Hospital virology", "coi": "$COI", "wristband": [$WRISTBAND]
EOF
  e idm_tested LA-MEYER:LAB <<EOF
"sample": "IDM-$NO", "sampled_at": "-2h", "tested_at": "now", "laboratory": "Hospital virology", "coi": "$COI",
"results": [{"marker": "hiv", "outcome": "negative", "assay": "PCR"},
{"marker": "hbv", "outcome": "negative", "assay": "PCR"}, {"marker": "hcv", "outcome": "negative", "assay": "PCR"},
{"marker": "syphilis", "outcome": "negative", "assay": "immunoassay"}]
EOF
  e workup_completed DR-HOLM:PHY <<EOF
"organ_function_adequate": "yes", "laboratory_done": "yes", "imaging_done": "yes", "infection_screen_done": "yes",
"pregnancy": "not-relevant", "lvef_percent": 60, "creatinine_clearance_ml_per_min": 84,
"bilirubin_umol_per_l": 9, "alt_u_per_l": 24, "spo2_percent": 98, "fit_for_collection": "yes", "coi": "$COI"
EOF
  e washout_confirmed DR-HOLM:PHY <<EOF
"last_therapy": "R-DHAP, second course", "last_therapy_at": "-42d", "steroid_stopped_at": "-14d",
"steroid_since_stopped": "yes", "bendamustine_6_months": "no", "adequate": "yes", "coi": "$COI"
EOF
}

label_before_needle() {
  e label_issued AP-RUIZ:APH <<EOF
"din": "$DIN", "coi": "$COI", "wristband": [$WRISTBAND], "wristband_scanned_at": "-2min", "label_version": "AL-4",
"text_sha256": "$(printf 'label %s' "$DIN" | sha256sum | cut -d' ' -f1)", "printed": 2, "printer": "PRN-A2",
"autologous_statement": "yes", "biohazard": "no", "read_back_agrees": "yes"
EOF
  e label_affixed AP-RUIZ:APH <<EOF
"din": "$DIN", "coi": "$COI", "wristband": [$WRISTBAND], "applied": 1, "before_needle": "yes"
EOF
}

# needle: the collection begins; each of the two people reads everything for themselves.
needle() {
  local check="\"wristband\": [$WRISTBAND], \"coi\": \"$COI\", \"kit\": \"KIT-44-$NO\", \"order\": \"$ORDER\", \"all_agree\": \"yes\""
  e apheresis_started "AP-RUIZ:APH RN-SATO:RN" <<EOF
"checks": [{$check}, {$check}], "coi": "$COI", "wristband": [$WRISTBAND], "device": "SPECTRA-3", "kit": "KIT-44-$NO",
"kit_expires_at": "$(date_of 300)", "din": "$DIN", "order": "$ORDER", "started_at": "now", "access": "peripheral",
"wbc_before_1e9_per_l": 5.2, "cd3_before_per_ul": 640, "platelets_before_1e9_per_l": 168,
"haemoglobin_before_g_per_dl": 11.8, "collection_day": 1
EOF
}

collected() {
  e apheresis_completed AP-RUIZ:APH <<EOF
"din": "$DIN", "ended_at": "now", "duration_minutes": 240, "blood_processed_l": 12.1, "volume_ml": 142,
"tnc_1e9": 9.8, "cd3_cells_1e9": 3.1, "viability_percent": 99, "haematocrit_percent": 2.1, "sterility_sample": "yes",
"sterility_sample_id": "ST-$NO"
EOF
  e label_completed "AP-RUIZ:APH RN-SATO:RN" <<EOF
"din": "$DIN", "coi": "$COI", "wristband": [$WRISTBAND], "collection_ended_at": "now", "label_time_zone": "$ZONE",
"volume_ml": 142, "printed": 2, "applied": 1, "destroyed": 1, "at_chair": "yes"
EOF
}

# packed "SIGNERS" LEG CONTAINER SHIPPER KIND LOGGER SEAL TEMPERATURE HOLD TO [MORE]
packed() {
  e packed "$1" <<EOF
"leg": "$2", "containers": ["$3"], "coi": "$COI", "shipper": "$4", "shipper_kind": "$5", "logger": "$6",
"seals": ["$7"], "preconditioned_at": "-3h", "nominal_hold_hours": $9, "logger_started_at": "-5min",
"logger_calibration_until": "$(date_of 250)", "temperature_centi_c": "$8 Cel", "packed_at": "now",
"destination_site": "${10}"${11:+, ${11}}
EOF
}

# handed SIGNER SHIPPER SEAL WAYBILL PLACE
handed() {
  e handed_to_carrier "$1" <<EOF
"shipper": "$2", "seals": ["$3"], "waybill": "$4", "carrier": "Exemplar Couriers", "driver_identified": "yes",
"handed_at": "now", "place": "$5", "package_intact": "yes", "expected_at": "+19h"
EOF
}

# underway SIGNER SHIPPER KIND PLACE: what the carrier's feed reports.
underway() {
  e carrier_milestone "$1" <<EOF
"shipper": "$2", "kind": "$3", "at": "now", "place": "$4", "reported_by": "feed of Exemplar Couriers"
EOF
}

# readout SIGNER FILE LOGGER SHIPPER: a logger's file as an event; the station reads and sums it up.
readout() {
  printf '{"event": "telemetry_batch", "therapy": "%s", "signers": ["%s"], "logger_file": "%s", ' "$COI" "$1" "$2"
  printf '"fields": {"logger": "%s", "shipper": "%s", "calibration_until": "%s", "complete": "yes"}}\n' \
    "$3" "$4" "$(date_of 250)"
}

received_at_plant() {
  e received_mfg WH-BRANDT:WH <<EOF
"received_at": "now", "shipper": "SHP-04-$NO", "seals": ["SEAL-55-$NO"], "logger": "LOG-77-$NO",
"waybill": "AWB-1-$NO", "seal_condition": "intact", "seal_opened_at": "now", "containers": ["$DIN"], "coi": "$COI",
"outer_damage": "no", "elapsed_hours": 24, "location": "PLANT/RECEIVING/2"
EOF
}

accepted() {
  e incoming_qc_passed QC-ROSSI:QC <<EOF
"containers": ["$DIN"], "coi": "$COI", "identity_match": "yes", "viability_percent": 97, "cd3_percent": 62,
"cd3_cells_1e9": 3.0, "appearance": "as expected", "sterility_sample": "yes", "sample": "IQ-$NO"
EOF
  e batch_opened "MF-LINDE:MFG QA-STERN:QA:APPROVED" <<EOF
"lot": "$LOT", "donations": ["$DIN"], "coi": "$COI", "batch_record_version": "BR-12", "suite": "SUITE-7-$NO",
"equipment": ["INC-7-$NO"], "line_clearance": "yes", "started_at": "now", "attempt": 1
EOF
  e cells_selected "MF-LINDE:MFG MF-PARK:MFG2" <<EOF
"lot": "$LOT", "method": "cd4-cd8-magnetic", "purity_percent": 96, "recovery_percent": 56, "viable_cells_1e6": 1740,
"reagents": [{"name": "CD4 reagent", "lot": "R4-2210", "expires_at": "$(date_of 200)"},
{"name": "CD8 reagent", "lot": "R8-1907", "expires_at": "$(date_of 200)"}]
EOF
  e activated MF-LINDE:MFG <<EOF
"lot": "$LOT", "reagent": "matrix", "ratio": "1 : 17.5 by volume", "density_1e6_per_ml": 1.0, "activated_at": "now",
"materials": [{"name": "activation matrix", "lot": "TA-331"}, {"name": "IL-7", "lot": "I7-40"},
{"name": "IL-15", "lot": "I15-22"}], "vessel": "INC-7-$NO"
EOF
}

transduced() {
  e transduced "MF-LINDE:MFG MF-PARK:MFG2" <<EOF
"lot": "$LOT", "vector_lot": "VEC-0088", "vials": [{"vial": "VEC-0088-V$NO", "thawed_at": "-20min"}],
"construct": "anti-CD19, exemplar", "vector_released": "yes", "vector_expires_at": "$(date_of 400)",
"titre_tu_per_ml": 2e8, "moi": 5, "volume_ml": 12, "transduced_at": "now", "hours_since_activation": 24
EOF
}

# culture DAY DENSITY TOTAL VIABILITY GLUCOSE LACTATE PH: one daily check.
culture() {
  e culture_check MF-LINDE:MFG <<EOF
"lot": "$LOT", "day": $1, "checked_at": "now", "volume_l": 0.25, "viable_density_1e6_per_ml": $2,
"total_viable_1e6": $3, "viability_percent": $4, "glucose_mmol_per_l": $5, "lactate_mmol_per_l": $6, "ph": $7,
"temperature_c": 37.0, "equipment": "INC-7-$NO", "appearance": "clear"
EOF
}

harvested() {
  e harvested "MF-LINDE:MFG MF-PARK:MFG2" <<EOF
"lot": "$LOT", "harvested_at": "now", "total_viable_1e9": 3.9, "viability_percent": 94, "car_percent": 41,
"fold_expansion": 31, "culture_days": 9
EOF
  e formulated MF-LINDE:MFG <<EOF
"lot": "$LOT", "medium": [{"name": "cryo medium", "lot": "CM-118"}], "dmso_percent": 5,
"concentration_1e6_per_ml": 5.1, "volume_ml": 68, "weight_used_kg": 71, "dose": $DOSE, "dose_unit": "$DOSE_UNIT",
"dmso_added_at": "now", "formulated_at": "now"
EOF
  e filled "MF-LINDE:MFG MF-PARK:MFG2" <<EOF
"lot": "$LOT", "filled_at": "now", "labels_printed": 4, "labels_applied": 3, "labels_destroyed": 1,
"label_version": "PL-7", "labels_read_back": "yes", "containers": [
{"container": "$BAG", "kind": "VESSEL_BAG", "nominal_dose_1e6": $DOSE_1E6, "volume_ml": 68, "integrity": "yes",
"cassette": "$CASSETTE"}, {"container": "$LOT-Q1", "kind": "qc-vial", "volume_ml": 1.5, "integrity": "yes"},
{"container": "$LOT-R1", "kind": "retention-vial", "volume_ml": 1.5, "integrity": "yes"}]
EOF
}

frozen() {
  e cryopreserved MF-LINDE:MFG <<EOF
"lot": "$LOT", "run": "CRF-2-$NO", "freezer": "CRF-2", "end_temperature_centi_c": "-120 Cel",
"curve": "@$(paper "curve-$NO.csv" "minute;chamber" "0;4.0" "25;-40.0" "55;-120.0")", "dmso_to_freeze_minutes": 35,
"started_at": "-1h", "ended_at": "now", "containers": [{"container": "$BAG", "position": "LN2-1/R2/$NO"},
{"container": "$LOT-Q1", "position": "LN2-1/Q/$NO"}, {"container": "$LOT-R1", "position": "LN2-1/RET/$NO"}]
EOF
}

put_away() {
  e stored WH-BRANDT:WH <<EOF
"containers": [{"container": "$BAG", "position": "LN2-1/R2/$NO"}, {"container": "$LOT-Q1", "position": "LN2-1/Q/$NO"},
{"container": "$LOT-R1", "position": "LN2-1/RET/$NO"}], "storage_unit": "LN2-1", "stored_at": "now",
"temperature_centi_c": "-186 Cel"
EOF
}

# result TEST METHOD VALUE-FIELDS SPECIFICATION OUTCOME
result() {
  e qc_result QC-ROSSI:QC <<EOF
"lot": "$LOT", "sample": "$LOT-Q1", "test": "$1", "method": "$2", $3, "specification": "$4", "outcome": "$5",
"analyst": "QC-ROSSI", "tested_at": "now", "result_number": "QC-$NO-$1"
EOF
}

results() {
  result viability "dye exclusion" '"value": 91, "unit": "%"' "at least 80 %" pass
  result cd3_purity "flow cytometry" '"value": 97, "unit": "%"' "at least 80 %" pass
  result car_expression "flow cytometry" '"value": 41, "unit": "%"' "at least 20 %" pass
  result vcn "digital PCR" '"value": 2.1, "unit": "copies/cell"' "at most 5 per cell" pass
  result endotoxin "kinetic assay" '"value": 0.1, "unit": "EU/mL"' "at most 5 EU/mL" pass
  result mycoplasma "PCR" '"value_text": "absent"' "absent" pass
  result rcl "PCR" '"value_text": "absent"' "absent" pass
  result potency "interferon gamma release" '"value_text": "interferon gamma released"' "released" pass
  result identity "transgene PCR" '"value_text": "CAR transgene found"' "CAR transgene found" pass
}
# The culture runs 14 days; release may happen while it is negative to date, as the profile says.
sterility() {
  result sterility "automated culture, day 8 of 14" '"value_text": "no growth", "final": "no"' "no growth" negative-to-date
}
final_sterility() {
  result sterility "automated culture, day 14 of 14" '"value_text": "no growth", "final": "yes"' "no growth" pass
}

reviewed() {
  e batch_record_reviewed QA-STERN:QA:REVIEWED <<EOF
"lot": "$LOT", "deviations_closed": "yes", "complete": "yes",
"record": "@$(paper "batch-$NO.txt" "Batch record BR-12 of $LOT")"
EOF
}

released() {
  e released QP-VOGT:QP:APPROVED <<EOF
"lot": "$LOT", "certificate": "$CERTIFICATE", "dose": $DOSE, "dose_unit": "$DOSE_UNIT", "weight_used_kg": 71,
"certificate_file": "@$(paper "certificate-$NO.txt" "Release for infusion $CERTIFICATE, lot $LOT")",
"containers": [{"container": "$BAG", "dose_1e6": $DOSE_1E6, "volume_ml": 68}],
"expires_at": "$(date_of 380)", "expiry_time_zone": "$ZONE", "expiry_date_only": "yes"
EOF
}

received_at_clinic() {
  e received_clinic "PH-KLEIN:PHARM CL-NOVAK:CELL_LAB" <<EOF
"received_at": "now", "shipper": "SHP-09-$NO", "seals": ["SEAL-66-$NO"], "logger": "LOG-88-$NO",
"waybill": "AWB-2-$NO", "seal_condition": "intact", "seal_opened_at": "now", "containers": ["$BAG"], "coi": "$COI",
"certificate": "$CERTIFICATE", "patient_matches": "yes", "product_matches": "yes", "outer_damage": "no"
EOF
  e stored_clinic CL-NOVAK:CELL_LAB <<EOF
"containers": [{"container": "$BAG", "position": "TANK-2/C/$NO"}], "storage_unit": "TANK-2", "logger": "LOG-TANK-2",
"stored_at": "now", "transfer_time_minutes": 4
EOF
}
