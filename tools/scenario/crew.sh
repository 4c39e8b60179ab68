# Founding a throw-away ledger and its people: used by the demo and by tools/bench.

ZONE=Europe/Berlin

# free_address: a loopback address on which nothing answers.
free_address() {
  local port=$((20000 + RANDOM % 20000))
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "127.0.0.1:$port"
}

# found: three trustees, a quorum of two.
found() {
  local trustee
  ADDRESS=$(free_address)
  : >"$DEMO/server.toml" # no settings, until somebody makes some
  for trustee in authority T-1 T-2 T-3; do pin "$trustee"; done
  run custody-admin init --data "$DATA" --folder "$ADMIN" --pins "$PINS" \
    --origin demo.example/custody-1 --environment DEMO \
    --trustee "T-1:Theodora Lind" --trustee "T-2:Tomas Okafor" --trustee "T-3:Tilda Moreau" --quorum 2 \
    --server "$ADDRESS" --zone "$ZONE"
}

trustees() { custody-admin "$@" --folder "$ADMIN" --pins "$PINS" --as T-1 --as T-2; }

# person SITE ORGANISATION ID ROLE NAME SIGNERS...: enrols a person.
person() {
  local site=$1 organisation=$2 id=$3 role=$4 name=$5
  shift 5
  admin enrol person "$id" --folder "$ADMIN" --pins "$PINS" --name "$name" --organisation "$organisation" \
    --site "$site" --role "$role" --training-until +8760h "$@"
}

# key_at PROGRAM FOLDER SITE ID SIGNERS...: a key is made where its owner works, then enrolled.
key_at() {
  local program=$1 folder=$2 site=$3 id=$4
  shift 4
  pin "$id"
  quiet "$program" key new --folder "$folder" --pins "$PINS" --person "$id"
  admin enrol key "$folder/keys/$id.request" --folder "$ADMIN" --pins "$PINS" --site "$site" "$@"
}

# registrar SITE ORGANISATION ID NAME: one of a site's first two, by the trustees.
registrar() {
  person "$1" "$2" "$3" REGISTRAR "$4" --as T-1 --as T-2
  key_at custody-admin "$ADMIN" "$1" "$3" --as T-1 --as T-2
}

# station PROGRAM FOLDER SITE ID NAME REGISTRARS...: a station makes its TLS key and gets a certificate.
station() {
  local program=$1 folder=$2 site=$3 id=$4 name=$5
  shift 5
  quiet "$program" join --folder "$folder" --station "$id" --site "$site"
  admin station issue "$folder/station.request" -o "$DEMO/$id.station.json" --folder "$ADMIN" --pins "$PINS" \
    --zone "$ZONE" --name "$name" "$@"
  quiet "$program" join --folder "$folder" "$DEMO/$id.station.json"
}

# clinic_person ID ROLE NAME, lab_person ID ROLE NAME: enrolled by their site's two registrars.
clinic_person() {
  person CLINIC HOSPITAL "$1" "$2" "$3" --as REG-C1 --as REG-C2
  key_at custody-clinic "$WARD" CLINIC "$1" --as REG-C1 --as REG-C2
}
lab_person() {
  person PLANT MAKER "$1" "$2" "$3" --as REG-L1 --as REG-L2
  key_at custody-lab "$BENCH" PLANT "$1" --as REG-L1 --as REG-L2
}

# clinic_site: the hospital, its site, its registrars and its ward's station.
clinic_site() {
  quiet trustees enrol organisation HOSPITAL --name "University Hospital Example" --kind TREATMENT_CENTRE
  quiet trustees enrol site CLINIC --organisation HOSPITAL --name "Cell Therapy Ward" --zone "$ZONE" --facility A9990
  registrar CLINIC HOSPITAL REG-C1 "Carla Registrar"
  registrar CLINIC HOSPITAL REG-C2 "Cem Registrar"
  station custody-clinic "$WARD" CLINIC WARD-3 "Ward 3, bedside terminal" --as REG-C1 --as REG-C2
}

# found_crew: the least that tools/bench needs.
found_crew() {
  found
  start_server
  clinic_site
  clinic_person RN-ADLER RN "Mia Adler"
  clinic_person CO-BERG COORD "Jonas Berg"
}
