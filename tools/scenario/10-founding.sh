# A ledger is founded by three trustees, two sites get registrars, people, keys and stations.

title "1. Founding the ledger"
rm -rf "$DEMO"
mkdir -p "$DEMO"
found
cp "$ADMIN/ledger.trust.json" "$DEMO/ledger.trust.json"
who_is_told
start_server
say "The server listens on $ADDRESS; stations reach it by mutual TLS 1.3 only."

clinic_site
quiet trustees enrol organisation MAKER --name "Example Cell Works" --kind MANUFACTURER
quiet trustees enrol site PLANT --organisation MAKER --name "Plant One" --zone "$ZONE" --facility A9991
quiet trustees publish profile custody/profiles/demo-product.textproto
registrar PLANT MAKER REG-L1 "Lena Registrar"
registrar PLANT MAKER REG-L2 "Luis Registrar"
station custody-lab "$BENCH" PLANT BENCH-7 "Clean room 7" --as REG-L1 --as REG-L2
say "Trustees published two organisations, two sites and the product's numbers, by quorum."
say "Each site's two registrars enrol its people and stations; nobody can sign for another."

clinic_person DR-HOLM PHY "Dr. Ingrid Holm"
clinic_person CO-BERG COORD "Jonas Berg"
clinic_person RN-ADLER RN "Mia Adler"
clinic_person RN-SATO RN "Ken Sato"
clinic_person AP-RUIZ APH "Elena Ruiz"
clinic_person PH-KLEIN PHARM "Peter Klein"
clinic_person CL-NOVAK CELL_LAB "Jana Novak"
clinic_person LA-MEYER LAB "Tom Meyer"
clinic_person QA-FALK QA "Ruth Falk"
lab_person SC-WEISS SCHED "Olga Weiss"
lab_person WH-BRANDT WH "Uwe Brandt"
lab_person WH-COSTA WH "Ana Costa"
lab_person MF-LINDE MFG "Sven Linde"
lab_person MF-PARK MFG2 "Min Park"
lab_person QC-ROSSI QC "Paolo Rossi"
lab_person QA-STERN QA "Judith Stern"
lab_person QP-VOGT QP "Martin Vogt"
say "Seventeen people are enrolled; each made a key of their own and proved to hold it."
say "Alerts go to whom the server's settings name. Each month that is tested, before it is needed."
run custody-admin alert test --site CLINIC --folder "$ADMIN"
