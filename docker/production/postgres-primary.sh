#!/bin/sh
# What a standby needs of the primary: a role, a slot that keeps the log for it, and the right to come. The image runs this
# when it makes the database; with a database that is there already, run it by hand. It may run as often as you like.
set -eu
export REPLICATION_PASSWORD_FILE="${REPLICATION_PASSWORD_FILE:-/run/secrets/replication_password}"
rule="host replication replicator samenet scram-sha-256"

# psql reads the file itself: on its command line the password would be everybody's.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\set password `cat "$REPLICATION_PASSWORD_FILE"`
SELECT 'CREATE ROLE replicator LOGIN REPLICATION'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'replicator') \gexec
ALTER ROLE replicator PASSWORD :'password';
SELECT 'SELECT pg_create_physical_replication_slot(''replica'')'
WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = 'replica') \gexec
SQL

if ! grep -qxF "$rule" "$PGDATA/pg_hba.conf"; then
    echo "$rule" >>"$PGDATA/pg_hba.conf"
    psql --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --command 'SELECT pg_reload_conf()' >/dev/null
fi
