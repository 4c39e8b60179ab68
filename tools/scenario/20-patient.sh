# Weeks 0 and 1: is the treatment right for this patient, and is everything agreed before the needle.

title "2. The patient"
. tools/scenario/steps.sh
day_zero
say "From here on the ledger's clock is moved: sixteen weeks pass in about a minute."

at 1 09:00 "A patient with a lymphoma that came back twice is enrolled."
say "Two people each read two identifiers from her. The ledger gets only keyed hashes of them; her name"
say "goes to the sealed vault beside it. The barcode is the chain of identity that every label will carry."
patient A
run custody-clinic record patient_enrolled --as CO-BERG:COORD --as RN-SATO:RN \
  --identifier "name::$NAME" --identifier "mrn:HOSPITAL:$MRN" --identifier "dob::$DOB" \
  --identifier-again "mrn:HOSPITAL:$MRN" --identifier-again "dob::$DOB" \
  --birth-year "${DOB:0:4}" --coi "$COI"
say "The same day a second patient is enrolled, with a confusingly similar record number. Her product will"
say "be made beside this one; watch for it on infusion day."
patient B
enrolment | clinic_lines

at 1 11:00 "The physician assesses fitness and the nervous system, and both patients consent."
both assessment | clinic_lines
at 2 10:00 "The therapy is ordered by the newest version of the product's profile: $PROFILE, $PROFILE_VERSION."
both order | clinic_lines
at 2 14:00 "The manufacturer's planner answers with a slot."
both slot | lab_lines

at 3 09:00 "What is next, and what stands in the way? Anything scanned of a therapy finds it."
patient A
run custody-clinic next "$COI"
at 4 10:00 "Infection markers, work-up and wash-out of the last chemotherapy are recorded."
both workup | clinic_lines
