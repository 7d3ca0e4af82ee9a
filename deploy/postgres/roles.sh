#!/bin/bash
# Run once, when the server is new: a role and a database a service, of the same name.
set -euo pipefail
for service in desk intake routing followup notify; do
  export SERVICE=$service
  psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 -v role="redress_$service" --username postgres --dbname postgres <<'SQL'
\set password `cat "/run/secrets/database_$SERVICE"`
CREATE ROLE :"role" LOGIN PASSWORD :'password';
CREATE DATABASE :"role" OWNER :"role";
REVOKE ALL ON DATABASE :"role" FROM PUBLIC;
SQL
done
psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 --username postgres --dbname postgres \
  -c 'REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC'
