#!/bin/sh
# A streaming standby of $PRIMARY_HOST: copied when it has nothing yet, and then started with the arguments given here.
# It keeps what it has when it starts again; to copy anew, remove its volume.
set -eu
umask 077
password=$(cat "${REPLICATION_PASSWORD_FILE:-/run/secrets/replication_password}")
export PGPASSFILE="${TMPDIR:-/tmp}/pgpass"
printf '*:*:*:replicator:%s\n' "$password" >"$PGPASSFILE"

if ! [ -d "$PGDATA" ]; then
    rm -rf "$PGDATA.new" # a copy that broke off
    # --write-recovery-conf: it knows the primary, the slot and PGPASSFILE from then on.
    pg_basebackup --dbname="host=$PRIMARY_HOST port=${PRIMARY_PORT:-5432} user=replicator application_name=replica" \
        --pgdata="$PGDATA.new" --slot=replica --wal-method=stream --write-recovery-conf --checkpoint=fast
    mv "$PGDATA.new" "$PGDATA"
fi
exec "$@"
