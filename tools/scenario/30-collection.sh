# Day 8: the patient's cells are collected, labelled, packed and handed over.

title "3. Collection"
at 8 09:00 "Apheresis. The label is printed beside the wristband and is on the bag before the needle."
both label_before_needle | clinic_lines
say "Before the needle two people each scan wristband, chain of identity and kit, and both sign."
patient B
needle | clinic_lines
patient A
needle >"$DEMO/needle.jsonl"
run custody-clinic record --file "$DEMO/needle.jsonl"
at 8 13:00 "The bag is full: 142 mL. The label is completed before it leaves the chair."
both collected | clinic_lines

at 8 15:00 "Packed at 2 to 8 degrees with a logger, sealed, and handed to a courier without key or computer."
inbound() {
  packed "AP-RUIZ:APH CL-NOVAK:CELL_LAB" inbound "$DIN" "SHP-04-$NO" cool-2-8 "LOG-77-$NO" "SEAL-55-$NO" 4.8 120 PLANT
  handed AP-RUIZ:APH "SHP-04-$NO" "SEAL-55-$NO" "AWB-1-$NO" "Apheresis unit, door 2"
  underway CO-BERG:COORD "SHP-04-$NO" picked-up "Apheresis unit"
}
both inbound | clinic_lines
run custody-clinic show "$COI"
