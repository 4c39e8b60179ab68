// The forms: for each event what a nurse, a courier or an inspector asks first.
#include "tools/audit/gist.h"

namespace custody {
namespace {

constexpr GistForm kForms[] = {
    {"activated", "lot {lot}|with {reagent}"},
    {"ae_treatment_given",
     "{treatment}|{drug}|{amount_mg}|dose {dose_number}|against {against}|"
     "grade {grade}|{reason}"},
    {"alert_acknowledged", "{alert}|{action}"},
    {"apheresis_completed",
     "donation {din}|{volume_ml}|T cells {cd3_cells_1e9}|"
     "{viability_percent} viable|{adverse_event}"},
    {"apheresis_cryopreserved", "donation {din}|containers {containers.container}"},
    {"apheresis_started",
     "donation {din}|device {device}|kit {kit}|"
     "checks.all_agree=no?SCANS DIFFER"},
    {"attested", "agreed: {agreed}|{remarks}"},
    {"batch_opened", "lot {lot}|from {donations}|in {suite}|line clearance {line_clearance}"},
    {"batch_record_reviewed",
     "lot {lot}|complete: {complete}|"
     "all deviations closed: {deviations_closed}"},
    {"bedside_id_verified",
     "passed=yes&checks.all_agree!no?PASSED|passed=yes&checks.all_agree=no?NO PASS, ONE CHECK SAYS "
     "NO|passed=no?NOT PASSED|bag {container}|"
     "checks.all_agree=yes&checks.all_agree!no?all scans agree|checks.all_agree=no?SCANS DIFFER"},
    {"bridging_given", "{modality}|{regimen}|serious_reaction=yes?SERIOUS REACTION"},
    {"car_level", "{copies_per_ug}|{cells_per_ul}"},
    {"carrier_milestone", "{kind}|at {place}|shipper {shipper}|seal {seal_condition}"},
    {"cells_selected", "lot {lot}|{method}|{purity_percent} pure"},
    {"cns_evaluated", "{finding}|seizure risk {seizure_risk}|postpone=yes?POSTPONED"},
    {"collection_failed", "donation {din}|{failure}|{detail}"},
    {"consent_obtained", "document {document_version}|signed by {signed_by}|for {purposes}"},
    {"consent_withdrawn", "by {withdrawn_by}|for {purposes}|{wishes}"},
    {"container_damaged",
     "{container}|{damage}|{outcome}|culture {culture_sample}|{volume_lost_ml} lost|"
     "contents_lost=yes?CONTENTS LOST"},
    {"container_derived", "{container} from {parent}|{volume_ml}|{reason}"},
    {"contamination_confirmed", "lot {lot}|{organism}|{test}|after_infusion=yes?AFTER INFUSION"},
    {"crs_graded",
     "grade {grade}|computed {computed_grade}|worst so far {max_grade}|oxygen {oxygen}|"
     "hypotension=yes?low blood pressure|death=yes?DEATH"},
    {"cryopreserved",
     "lot {lot}|run {run}|down to {end_temperature_centi_c}|"
     "{containers:container position}"},
    {"culture_check",
     "lot {lot}|day {day}|{viability_percent} viable|"
     "{total_viable_1e6} viable cells|{temperature_c}"},
    {"custody_audited", "{place}|missing {missing}|unexpected {unexpected}"},
    {"custody_closed", "all containers accounted for: {containers_accounted}|{statement}"},
    {"cytopenia_graded",
     "neutropenia {neutropenia_grade}|thrombocytopenia "
     "{thrombocytopenia_grade}|anaemia {anaemia_grade}"},
    {"daily_exam", "{finding}"},
    {"daily_labs",
     "CRP {crp_mg_per_l}|ferritin {ferritin_ug_per_l}|neutrophils {anc_1e9_per_l}|"
     "platelets {platelets_1e9_per_l}"},
    {"death_recorded_in_error", "{evidence}"},
    {"deviation_closed", "{deviation}|{outcome}|{cause}"},
    {"deviation_opened", "{severity}|{title}"},
    {"discharged",
     "day {day}|{condition}|against_advice=yes?AGAINST ADVICE|"
     "crs_resolved=no?CRS OPEN|icans_resolved=no?ICANS OPEN"},
    {"disposition",
     "{containers}|{kind}|{reason}|by {method}|at {place}|{volume_ml}|"
     "scanned {scans}|certificate {certificate}"},
    {"downtime_ended", "{site}|{sheets} sheets"},
    {"downtime_started", "{site}|{reason}"},
    {"eligibility_assessed", "{decision}|{reason}|ECOG {ecog}|{weight_kg}"},
    {"filled", "lot {lot}|{containers:container nominal_dose_1e6 volume_ml}"},
    {"followup",
     "{visit}|year {year}|{vital_status}|response {response}|"
     "second_cancer=yes?SECOND CANCER"},
    {"followup_d28",
     "{vital_status}|response {response}|worst CRS {crs_max_grade}|"
     "worst ICANS {icans_max_grade}"},
    {"followup_m23",
     "{vital_status}|response {response}|persistence {persistence}|"
     "second_cancer=yes?SECOND CANCER"},
    {"formulated", "lot {lot}|dose {dose} {dose_unit}|{volume_ml}|for {weight_used_kg}"},
    {"handed_to_carrier",
     "to {carrier}|shipper {shipper}|seals {seals}|waybill {waybill}|"
     "package_intact=no?PACKAGE NOT INTACT"},
    {"handover_accepted", "{containers}|shipper {shipper}|seal {seal_condition}|{place}"},
    {"handover_offered", "{containers}|shipper {shipper}|to {to_site}|to {to_person}"},
    {"handover_refused", "{reason}"},
    {"harvested", "lot {lot}|{total_viable_1e9}|{viability_percent} viable|CAR+ {car_percent}"},
    {"hold_cleared", "{kind}|{hold}|{reason}"},
    {"hold_set", "{kind}|blocks {blocks}|{containers}|{reason}"},
    {"icans_graded",
     "grade {grade}|computed {computed_grade}|worst so far {max_grade}|ICE "
     "{ice_total}|death=yes?DEATH"},
    {"ice_recorded", "{total} of 10|not_performable=yes?NOT PERFORMABLE|seizure {seizure}"},
    {"identity_in_doubt", "{items}|{kind}|{finding}"},
    {"identity_resolved", "{items}|{outcome}|{evidence}"},
    {"idm_sampled", "sample {sample}|for {markers}"},
    {"idm_tested", "sample {sample}|{results:marker outcome}"},
    {"in_process_test", "lot {lot}|{test}|{value} {unit}|{value_text}|{outcome}"},
    {"incoming_qc_failed",
     "{containers}|FAILED: {failure}|{viability_percent} viable|"
     "identity matches: {identity_match}"},
    {"incoming_qc_passed",
     "{containers}|{viability_percent} viable|T cells {cd3_percent}|"
     "identity matches: {identity_match}|accepted_at_risk=yes?AT RISK"},
    {"ineligible", "{reason}|{detail}"},
    {"infection_diagnosed", "{infection}|{organism}|grade {grade}"},
    {"infection_screened_pre",
     "active infection: {active_infection}|{infection}|{temperature_c}|"
     "CRP {crp_mg_per_l}"},
    {"infusion_completed",
     "bag {container}|{volume_given_ml} given|{percent_given}|"
     "partial=yes?PARTLY|rinse {rinse_volume_ml}|residue {residual_volume_ml}|"
     "residue {residual}|reaction grade {reaction_grade}"},
    {"infusion_deferred", "{containers}|{outcome}|until {new_date}|{reason}"},
    {"infusion_interrupted",
     "bag {container}|{cause}|{volume_given_ml} given|"
     "goes on: {continues}"},
    {"infusion_order_cancelled", "order {order}|{reason}"},
    {"infusion_ordered",
     "order {order}|bags {containers.container}|dose {dose_number}|"
     "planned {planned_at}"},
    {"infusion_reaction",
     "bag {container}|grade {grade}|{signs}|"
     "infusion_stopped=yes?INFUSION STOPPED"},
    {"infusion_started",
     "bag {container}|dose {dose_number}|{baseline.temperature_c}|"
     "{baseline.systolic_mmhg} systolic|{baseline.spo2_percent} saturated"},
    {"issued_to_ward", "{containers}|to {ward}|infuse by {infuse_by}"},
    {"label_affixed", "donation {din}|on {container}|before the needle: {before_needle}"},
    {"label_completed", "donation {din}|{printed} printed|{applied} applied|{destroyed} destroyed"},
    {"label_issued", "donation {din}|{printed} printed|read_back_agrees=no?READ BACK DIFFERS"},
    {"ld_completed", "course {course}|{doses_given} doses|last {last_dose_at}|{departure}"},
    {"ld_dose", "course {course}|day {day}|{drugs:drug amount unit}"},
    {"ld_repeated", "course {course}|{reason}"},
    {"ld_started",
     "course {course}|{regimen}|{planned_days} days|"
     "active_infection=yes?ACTIVE INFECTION"},
    {"ld_waived", "{reason}|WBC {wbc_1e9_per_l}"},
    {"lot_selected_for_infusion", "lot {lot}|{reason}"},
    {"manufacturing_failed", "lot {lot}|{failure}|{detail}"},
    {"moved", "{containers:container position}|to {to_unit}|{reason}"},
    {"observations_recorded",
     "{observations.vitals.temperature_c}|"
     "systolic {observations.vitals.systolic_mmhg}|"
     "oxygen {observations.oxygen}|"
     "with {observations.vasopressors}|"
     "{observations.symptoms}"},
    {"oos_accepted", "lot {lot}|patient's consent: {patient_consent}|{statement}"},
    {"oos_authorised", "lot {lot}|{pathway}|{authorisation}"},
    {"oos_detected", "lot {lot}|missed {missed}|{detail}"},
    {"oos_requested", "lot {lot}|{need}"},
    {"oos_risk_assessed", "lot {lot}|{conclusion}"},
    {"override_confirmed", "confirmed: {confirmed}|{remarks}"},
    {"override_granted",
     "of {rules}|for {step}|{container}|{reason}: {justification}|"
     "ends {expires_at}|verbal=yes?BY WORD OF {authority}"},
    {"packed",
     "{containers}|shipper {shipper}|{shipper_kind}|seals {seals}|logger {logger}|"
     "under_quarantine=yes?UNDER QUARANTINE"},
    {"patient_died", "{cause}|{detail}"},
    {"patient_enrolled", "at {site}|identifiers read: {identifiers.type}"},
    {"patient_identifier_added", "{change}|{identifiers.type}"},
    {"patient_identifier_retired", "{change}|{identifiers.type}"},
    {"persistence_measured", "{persistence}|{copies_per_ug}"},
    {"preinfusion_check_passed",
     "go: {go}|tocilizumab doses {tocilizumab_doses}|{weight_kg}|"
     "active_infection=yes?ACTIVE INFECTION"},
    {"prethaw_id_verified",
     "checks.all_agree=no?NOT VERIFIED, SCANS DIFFER|patient_ready=no?PATIENT NOT READY|"
     "bag {container}|order {order}|confirmed by {confirmed_by}|"
     "checks.all_agree=yes&checks.all_agree!no?all scans agree"},
    {"product_recalled", "recall {recall}|{identifier_type} {identifier}|{containers}|{reason}"},
    {"prophylaxis_given", "{kind}|{drugs:drug amount unit}"},
    {"qc_result",
     "{test}: {value} {unit}|{test}: {value_text}|{outcome}|limit {specification}|"
     "lot {lot}"},
    {"qc_result_invalidated", "lot {lot}|{cause}|retest {retest}"},
    {"qp_certification",
     "lot {lot}|certificate {certificate}|{containers.container}|"
     "expiry_date_only=yes?expires {expires_at@expiry_time_zone}|"
     "expiry_date_only=no?expires {expires_at}"},
    {"quarantine_decided", "{verdict}|{containers}|{cause}|{reason}"},
    {"readmitted", "{cause}|{hospital}|{detail}"},
    {"received_clinic",
     "{containers}|seal {seal_condition}|patient matches: {patient_matches}|"
     "product matches: {product_matches}|outer_damage=yes?OUTER DAMAGE"},
    {"received_mfg",
     "{containers}|seal {seal_condition}|"
     "logger {logger_readings.min_temperature_centi_c} to "
     "{logger_readings.max_temperature_centi_c}|outer_damage=yes?OUTER DAMAGE"},
    {"received_on_ward", "{containers}|on {ward}|intact=no?NOT INTACT"},
    {"recollection_ordered", "attempt {attempt}|{reason}"},
    {"record_corrected", "{corrections:field_path ~from old_value ~to new_value}|{reason}"},
    {"rejected", "lot {lot}|{containers}|{reason}"},
    {"relapse_confirmed", "{finding}|{antigen}"},
    {"release_withdrawn", "lot {lot}|{containers}|{reason}|product_recall=yes?RECALL"},
    {"released",
     "lot {lot}|certificate {certificate}|dose {dose} {dose_unit}|"
     "{containers.container}|expiry_date_only=yes?expires {expires_at@expiry_time_zone}|"
     "expiry_date_only=no?expires {expires_at}"},
    {"released_oos",
     "lot {lot}|missed {missed}|{containers.container}|"
     "authorised {authorisation}|expiry_date_only=yes?expires {expires_at@expiry_time_zone}|"
     "expiry_date_only=no?expires {expires_at}"},
    {"remanufacture_ordered", "lot {old_lot}|{reason}"},
    {"removed_from_storage",
     "bag {container}|from {position}|"
     "certificate matches: {certificate_matches}"},
    {"returned_to_storage", "bag {container}|{minutes_out} out|{reason}"},
    {"sae_reported", "{title}|grade {grade}|related: {related_to_product}"},
    {"seal_broken",
     "shipper {shipper}|{seal_condition}|found {found_seals}|"
     "expected {expected_seals}"},
    {"seal_replaced", "{old_seals} by {new_seals}|{reason}|{replaced_by}"},
    {"secondary_malignancy_reported", "{diagnosis_code}|T cell: {t_cell}"},
    {"shipment_delayed", "shipper {shipper}|expected {expected_at}|{reason}"},
    {"shipment_found", "shipper {shipper}|at {place}|seal {seal_condition}"},
    {"shipment_lost", "shipper {shipper}|last seen {last_seen_at}|{last_place}|{detail}"},
    {"shipper_recharged", "shipper {shipper}|{ln2_added_kg}|holds until {hold_until}"},
    {"site_qa_disposition", "lot {lot}|suitable: {suitable}|{conditions}"},
    {"slot_changed", "slot {slot}|{change}|{new_slot}|{reason}"},
    {"slot_reserved", "slot {slot}|collection {apheresis_at}|delivery {expected_delivery}"},
    {"storage_excursion",
     "{storage_unit}|{min_temperature_centi_c} to "
     "{max_temperature_centi_c}|{containers}"},
    {"stored", "{containers:container position}|in {storage_unit}|at {temperature_centi_c}"},
    {"stored_clinic", "{containers:container position}|in {storage_unit}"},
    {"stored_in_shipper", "{containers}|shipper {shipper}|holds until {hold_until}"},
    {"symptom_reported", "{symptoms}|{advice}"},
    {"telemetry_batch",
     "logger {logger}|{readings} readings|{min_temperature_centi_c} to "
     "{max_temperature_centi_c}|"
     "summary=read off the logger?READ OFF THE LOGGER|"
     "beyond the limit: {excursions:extreme_temperature_centi_c duration_ms}"},
    {"temperature_excursion",
     "{containers}|{min_temperature_centi_c} to "
     "{max_temperature_centi_c}|for {duration_ms}|"
     "data_absent=yes?NO DATA|{remarks}"},
    {"thaw_completed",
     "bag {container}|{appearance}|infuse by {infuse_by}|clumps=yes?CLUMPS|"
     "leak=yes?LEAK"},
    {"thaw_started", "bag {container}|device {device}|{device_temperature_c}"},
    {"therapy_cancelled", "order {order_number}|{reason}"},
    {"therapy_closed", "{reason}|{statement}|record kept until {retain_until}"},
    {"therapy_ordered", "{product}|for {indication}|{material_path}|at {treating_site}"},
    {"therapy_reopened", "{reason}"},
    {"transduced", "lot {lot}|vector {vector_lot}|vials {vials.vial}|MOI {moi}"},
    {"washout_confirmed", "adequate: {adequate}|{reason}"},
    {"weight_changed", "{weight_kg}"},
    {"workup_completed", "fit for collection: {fit_for_collection}|{finding}"},
    {"wrong_consignee", "shipper {shipper}|to {received_by_site}|opened: {opened}"},
    {"wrong_item_presented",
     "at {at_step}|{presented} presented|{expected} expected|"
     "nothing_done=yes?nothing was done with it|"
     "nothing_done=no?IT WAS USED"},
};

}  // namespace

std::span<const GistForm> GistForms() { return kForms; }

}  // namespace custody
